"""InfoNCE over batches of any size: the loss, its rows in blocks, and which texts of a batch are one."""
