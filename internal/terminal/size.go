package terminal

import "fmt"

// Size returns a number of bytes for people, in units of 1024: "512 B", "1.5 KiB", "20.0 MiB".
func Size(bytes int64) string {
	if bytes < 1024 {
		return fmt.Sprintf("%d B", bytes)
	}
	n, units := float64(bytes)/1024, "KMGTPE"
	for n >= 1023.95 && len(units) > 1 {
		n, units = n/1024, units[1:]
	}
	return fmt.Sprintf("%.1f %ciB", n, units[0])
}
