"""What builds leave behind for later builds, on local disk: blobs, packed layers, file digests."""
