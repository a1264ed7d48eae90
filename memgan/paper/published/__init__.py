"""What the MEMGAN paper (arXiv 2002.02669) printed: Tables 1 to 3, AUROC by normal class."""
