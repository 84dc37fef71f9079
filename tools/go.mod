module redoubt/tools

go 1.26.0
