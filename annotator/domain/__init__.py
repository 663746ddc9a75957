"""The words of the product as frozen data: geometry, records, masks, overlap. No I/O, no database, no Qt."""
