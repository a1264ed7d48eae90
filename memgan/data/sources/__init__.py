"""Named sources and folders of images."""
