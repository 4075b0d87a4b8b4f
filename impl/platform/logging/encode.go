package logging

import (
	"log/slog"
	"strconv"
	"time"
)

// textTime is the layout of times in text; slog's.
const textTime = "2006-01-02T15:04:05.000Z07:00"

// appendText appends a record as slog.TextHandler does. It reports false for a record that is not simple.
func appendText(line []byte, r slog.Record) ([]byte, bool) {
	if r.Time.IsZero() || !plainText(r.Message) {
		return line, false
	}

	line = r.Time.AppendFormat(append(line, "time="...), textTime)
	line = append(append(line, " level="...), r.Level.String()...)
	line = append(append(line, " msg="...), r.Message...)
	simple := true
	r.Attrs(func(a slog.Attr) bool {
		line, simple = appendAttr(line, a, appendTextAttr)
		return simple
	})
	return append(line, '\n'), simple
}

// appendJSON appends a record as slog.JSONHandler does with durationInSeconds. It reports false for a record that is
// not simple.
func appendJSON(line []byte, r slog.Record) ([]byte, bool) {
	if year := r.Time.Year(); r.Time.IsZero() || year < 0 || year > 9999 || !plainJSON(r.Message) {
		return line, false
	}

	line = r.Time.AppendFormat(append(line, `{"time":"`...), time.RFC3339Nano)
	line = append(append(line, `","level":"`...), r.Level.String()...)
	line = append(append(line, `","msg":"`...), r.Message...)
	line = append(line, '"')
	simple := true
	r.Attrs(func(a slog.Attr) bool {
		line, simple = appendAttr(line, a, appendJSONAttr)
		return simple
	})
	return append(line, "}\n"...), simple
}

// appendAttr appends an attribute, or those of a group without a name, with the function of a format.
func appendAttr(
	line []byte, a slog.Attr, format func([]byte, string, slog.Value) ([]byte, bool),
) (appended []byte, simple bool) {
	if a.Key != "" {
		return format(line, a.Key, a.Value)
	}
	if a.Value.Kind() != slog.KindGroup {
		return line, false
	}
	for _, member := range a.Value.Group() {
		if member.Key == "" {
			return line, false
		}
		if line, simple = format(line, member.Key, member.Value); !simple {
			return line, false
		}
	}
	return line, true
}

func appendTextAttr(line []byte, key string, value slog.Value) ([]byte, bool) {
	if !plainText(key) {
		return line, false
	}
	line = append(append(append(line, ' '), key...), '=')
	switch value.Kind() {
	case slog.KindString:
		text := value.String()
		if text == "" {
			return append(line, `""`...), true
		}
		return append(line, text...), plainText(text)
	case slog.KindInt64:
		return strconv.AppendInt(line, value.Int64(), 10), true
	case slog.KindDuration:
		return append(line, value.Duration().String()...), true
	default:
		return line, false
	}
}

func appendJSONAttr(line []byte, key string, value slog.Value) ([]byte, bool) {
	if !plainJSON(key) {
		return line, false
	}
	line = append(append(line, `,"`...), key...)
	switch value.Kind() {
	case slog.KindString:
		text := value.String()
		return append(append(append(line, `":"`...), text...), '"'), plainJSON(text)
	case slog.KindInt64:
		return strconv.AppendInt(append(line, `":`...), value.Int64(), 10), true
	case slog.KindDuration:
		took := value.Duration()
		line = append(append(line, secondsSuffix...), `":`...)
		// Below a microsecond, encoding/json changes to the notation with an exponent.
		return strconv.AppendFloat(line, took.Seconds(), 'f', -1, 64), took >= time.Microsecond
	default:
		return line, false
	}
}

// plainText reports whether a text is written as it is in slog's text format.
func plainText(text string) bool {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '=' {
			return false
		}
	}
	return text != ""
}

// plainJSON reports whether a text is written as it is in JSON.
func plainJSON(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
