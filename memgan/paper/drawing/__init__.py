"""The paper's figures, drawn from kept memories."""
