// Package floors holds the rules of who may import whom; its test enforces them.
package floors
