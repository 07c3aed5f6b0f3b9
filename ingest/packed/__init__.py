"""What is packed into files: members of zip archives, XML without entities, and the JSON of office documents."""
