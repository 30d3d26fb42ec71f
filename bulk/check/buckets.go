package check

import (
	"regexp"
	"slices"
)

// How an S3 bucket is named ("Amazon S3 user guide, Methods for accessing a bucket"): s3:// and ARN, host style, path style.
var bucketPatterns = []*regexp.Regexp{
	regexp.MustCompile(`(?:\bs3a?://|\barn:aws[a-z-]*:s3:::)([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])`),
	regexp.MustCompile(`\bhttps?://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3(?:-accelerate)?(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com\b`),
	regexp.MustCompile(`\bhttps?://s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\b`),
}

// BucketsIn returns the S3 buckets that a text names, each once.
func BucketsIn(text string) []string {
	var buckets []string
	for _, pattern := range bucketPatterns {
		for _, match := range pattern.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(buckets, match[1]) {
				buckets = append(buckets, match[1])
			}
		}
	}
	return buckets
}
