"""The Review screen: the wall of crops, the certificate, the audit's findings and the pile of new things."""
