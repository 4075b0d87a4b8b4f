package edge

import (
	"bytes"
	"iter"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/platform/admission"
)

// SendList answers 200 with a JSON object that has one member, an array. There is at least one part: the object with
// some of the elements, without white space. All but a single part have elements.
//
// A single part is answered like any response. Otherwise each part is checked against the contract, reshaped, and sent
// as soon as the next one was read, so that a long list is never held as a whole. No work slot is held while a part is
// being sent. Nothing is sent before two parts were read; an error afterwards aborts the connection. If the response is
// to be reshaped in a way that needs the whole body, it is held within the caller's share of the byte budget.
func SendList(c echo.Context, parts iter.Seq2[[]byte, error]) error {
	s := stateOf(c)
	l := &listSender{
		Context: c,
		answer:  &s.answer,
		inParts: !s.answer.reshaped || s.exchange.ReshapesParts(),
		until:   time.Now().Add(maxListTime),
	}
	for part, err := range parts {
		if err != nil {
			return err
		}
		if err := l.add(part); err != nil {
			return err
		}
	}
	return l.end()
}

// maxListTime limits the time to send a list: its caller may have lost the permission to read it in the meantime.
const maxListTime = 10 * time.Minute

// listSender sends a list.
type listSender struct {
	echo.Context

	answer *answer
	// inParts is set if each part is sent on its own.
	inParts bool
	// until is when the list must have been sent.
	until time.Time
	// held is the last part. It is sent once another one follows.
	held []byte
	// begun is set once a part was sent, and some once one with elements was. ending is set at the last part.
	begun, some, ending bool
	// invalid is set once a part was reported as invalid: one report is enough.
	invalid bool
}

func (l *listSender) add(part []byte) error {
	before := l.held
	l.held = part
	if before == nil {
		return nil
	}
	return l.send(before)
}

func (l *listSender) end() error {
	last := l.held
	l.held, l.ending = nil, true
	if !l.begun {
		return l.JSONBlob(http.StatusOK, append(last, '\n'))
	}
	if err := l.send(last); err != nil {
		return err
	}

	end := "]}"
	if !l.some {
		end = "{}"
	}
	if !l.answer.reshaped || !l.inParts {
		end += "\n" // Reshape has removed it from parts
	}
	return l.write([]byte(end))
}

// send sends the elements of a part.
func (l *listSender) send(part []byte) error {
	if !l.begun {
		l.begun = true
		l.Response().Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
		l.Response().WriteHeader(http.StatusOK)
	}
	if l.inParts {
		var err error
		if part, err = l.checked(part); err != nil {
			return err
		}
	}

	open := bytes.IndexByte(part, '[') + 1
	if open == 0 {
		return nil // Reshape has kept nothing
	}
	elements := part[:len(part)-len("]}")]
	if l.some {
		elements = elements[open-1:]
		elements[0] = ','
	}
	l.some = true
	return l.write(elements)
}

// checked returns a part in the form that the request asked for, or the error to answer instead.
func (l *listSender) checked(part []byte) ([]byte, error) {
	if !l.invalid {
		invalid, err := l.answer.validator.checkBody(l.Context, l.answer, part)
		if err != nil {
			return nil, err
		}
		l.invalid = invalid
	}
	if !l.answer.reshaped {
		return part, nil
	}
	return ExchangeOf(l.Context).Reshape(l.Request().Context(), part, func(int) bool { return true })
}

// write sends a text, without the work slot.
func (l *listSender) write(text []byte) error {
	if !l.inParts {
		_, err := l.Response().Write(text)
		return err
	}

	a := l.answer
	if a.streaming && !a.charge(len(text)+len(l.held)) {
		return admission.Busy()
	}
	slots := a.slot
	a.releaseSlot()
	deadline := time.Now().Add(writeTimeout)
	if deadline.After(l.until) {
		deadline = l.until
	}
	_ = http.NewResponseController(a.ResponseWriter).SetWriteDeadline(deadline) // no effect on a test recorder

	if _, err := l.Response().Write(text); err != nil {
		return err
	}
	a.sendHeld()
	if slots == nil || l.ending {
		return nil
	}
	if err := slots.Acquire(l.Request().Context(), a.caller); err != nil {
		return err
	}
	a.slot = slots
	return nil
}
