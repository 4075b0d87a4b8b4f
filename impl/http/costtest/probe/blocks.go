package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime/coverage"
)

// clearBlocks sets all counters to zero.
func clearBlocks() error { return coverage.ClearCounters() }

// countBlocks returns how many basic blocks were executed since clearBlocks.
func countBlocks() (int64, error) {
	var data bytes.Buffer
	if err := coverage.WriteCounters(&data); err != nil {
		return 0, err
	}
	return sumCounters(data.Bytes())
}

// The format of counters that Go writes (internal/coverage/defs.go): a header, one segment with a table of strings and
// one of arguments, and a footer. Numbers of fixed size are little-endian.
const (
	counterHeader = 4 + 4 + 16 + 1 + 1 + 6
	segmentHeader = 8 + 4 + 4
)

var errCounters = errors.New("the format of coverage counters is another than this program reads")

// sumCounters adds up all counters. The record of a function is the number of its counters, the indexes of its package
// and of itself, and the counters, all as ULEB128.
func sumCounters(data []byte) (int64, error) {
	if len(data) < counterHeader+segmentHeader || !bytes.HasPrefix(data, []byte{0, 'c', 'w', 'm'}) {
		return 0, errCounters
	}
	segment := data[counterHeader:]
	functions := binary.LittleEndian.Uint64(segment)
	tables := int(binary.LittleEndian.Uint32(segment[8:])) + int(binary.LittleEndian.Uint32(segment[12:]))
	at := counterHeader + segmentHeader + tables
	at = (at + 3) / 4 * 4
	if at > len(data) {
		return 0, errCounters
	}

	numbers := reader{data[at:]}
	var sum uint64
	for range functions {
		counters := numbers.next()
		numbers.next()
		numbers.next()
		for range counters {
			sum += numbers.next()
		}
	}
	if numbers.left == nil {
		return 0, errCounters
	}
	return int64(sum), nil
}

// reader reads numbers. After the end there is nothing left, and all numbers are 0.
type reader struct{ left []byte }

func (r *reader) next() uint64 {
	value, n := binary.Uvarint(r.left)
	if n <= 0 {
		r.left = nil
		return 0
	}
	r.left = r.left[n:]
	return value
}
