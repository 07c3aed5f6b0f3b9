"""Pictures and scanned pages: the text in them is recognised (OCR), if the extra is installed."""
