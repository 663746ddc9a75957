"""Open Images: CSV files of boxes, labels of whole images and masks. Specification: the download pages of V5 to V7."""
