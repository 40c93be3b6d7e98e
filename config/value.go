package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Size is a number of bytes. It is written as a number, or with a unit: "10 MB", "512k", "1g"; a k is 1024.
type Size int64

// ParseSize reads the forms that Size describes.
func ParseSize(text string) (Size, error) {
	digits := strings.TrimSpace(text)
	unit := strings.TrimLeft(digits, "0123456789")
	digits = digits[:len(digits)-len(unit)]
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("must be a size such as 1048576 or \"10 MB\", not %q", text)
	}
	shift := 0
	switch strings.TrimSuffix(strings.ToLower(strings.TrimSpace(unit)), "b") {
	case "":
		if unit != "" {
			return 0, fmt.Errorf("must be a size such as 1048576 or \"10 MB\", not %q", text)
		}
	case "k":
		shift = 10
	case "m":
		shift = 20
	case "g":
		shift = 30
	default:
		return 0, fmt.Errorf("must be a size such as 1048576 or \"10 MB\", not %q", text)
	}
	if n > math.MaxUint32>>shift {
		return 0, fmt.Errorf("is too large: value '%s' overflows uint32", text)
	}
	return Size(n << shift), nil
}

// parseDuration reads "15m", or a bare number of nanoseconds, as viper does.
func parseDuration(text string, bare time.Duration) (time.Duration, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n > math.MaxInt64/int64(bare) || n < math.MinInt64/int64(bare) {
			return 0, fmt.Errorf("is too large: %q", text)
		}
		return time.Duration(n) * bare, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("must be a duration such as 300ms, 15m or 2h, not %q", text)
	}
	return d, nil
}

// parseBool takes what Go and YAML 1.1 call booleans.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "t", "1", "yes", "y", "on":
		return true, nil
	case "false", "f", "0", "no", "n", "off":
		return false, nil
	}
	return false, fmt.Errorf("must be true or false, not %q", text)
}

// parseList reads "[a, b]" or words separated by blanks, the forms an environment variable can have.
func parseList(text string) []string {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		var list []string
		for _, item := range strings.Split(strings.TrimSuffix(inner, "]"), ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		return list
	}
	return strings.Fields(text)
}

// setText sets a leaf from its text. Errors complete the sentence "<key> …".
func (l *loader) setText(v reflect.Value, f field, text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("must be UTF-8 text, not %q", text)
	}
	switch v.Interface().(type) {
	case time.Duration:
		bare := time.Nanosecond
		if f.seconds {
			bare = time.Second
		}
		d, err := parseDuration(text, bare)
		v.SetInt(int64(d))
		return err
	case Size:
		n, err := ParseSize(text)
		v.SetInt(int64(n))
		return err
	}
	switch v.Kind() {
	case reflect.String:
		if f.path {
			text = absolute(l.dir, text)
		}
		v.SetString(text)
	case reflect.Bool:
		b, err := parseBool(text)
		if err != nil {
			return err
		}
		v.SetBool(b)
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return fmt.Errorf("must be a whole number, not %q", text)
		}
		v.SetInt(n)
	case reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("must be a whole number, not %q", text)
		}
		v.SetInt(n)
	case reflect.Uint16:
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return fmt.Errorf("must be a whole number from 0 to 65535, not %q", text)
		}
		v.SetUint(n)
	case reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("must be a whole number from 0 up, not %q", text)
		}
		v.SetUint(n)
	case reflect.Slice:
		return l.setList(v, f, text)
	default:
		return fmt.Errorf("cannot be set by one value")
	}
	return nil
}

func (l *loader) setList(v reflect.Value, f field, text string) error {
	if v.Type().Elem().Kind() != reflect.String {
		return fmt.Errorf("cannot be set by one value")
	}
	list := parseList(text)
	if f.path {
		for i := range list {
			list[i] = absolute(l.dir, list[i])
		}
	}
	v.Set(reflect.ValueOf(list))
	return nil
}
