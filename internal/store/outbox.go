package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"redoubt/internal/seal"
)

// Message is an outbox entry.
type Message struct {
	Topic, Key string
	Sequence   uint64 // rises with every message of the topic
	Payload    []byte
}

// outboxService is the seal of messages.
const outboxService = "outbox"

// Send stores a message with this transaction: it is delivered, at least once, if and only if the transaction commits.
// Messages with the same topic and key are delivered in the order in which they were sent.
func (tx *Tx) Send(topic, key string, payload []byte) error {
	if tx.w == nil {
		return tx.fail(ErrReadOnly)
	}
	seq, err := tx.w.Sequence()
	if err != nil {
		return tx.fail(fmt.Errorf("numbering a message of %s: %w", topic, err))
	}
	box, err := tx.db.ring.Box(outboxService)
	if err != nil {
		return tx.fail(fmt.Errorf("sealing a message of %s: %w", topic, err))
	}
	k := messageKey(topic, seq)
	sealed, err := box.Seal(append(appendKey(nil, []string{key}), payload...), k)
	if err != nil {
		return tx.fail(fmt.Errorf("sealing a message of %s: %w", topic, err))
	}
	if err := tx.w.Put(k, sealed); err != nil {
		return tx.fail(fmt.Errorf("sending to %s: %w", topic, err))
	}
	if tx.sent == nil {
		tx.sent = map[string]bool{}
	}
	tx.sent[topic] = true
	return nil
}

func messageKey(topic string, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(appendKey([]byte{inOutbox}, []string{topic}), seq)
}

// Messages returns up to limit messages of the topic with a sequence of at least from, in order. All of them are durable.
func (db *DB) Messages(ctx context.Context, topic string, from uint64, limit int) (found []Message, err error) {
	box, err := db.ring.Box(outboxService)
	if err == nil {
		err = db.engine.View(ctx, func(r Reader) error {
			found, err = readMessages(r, box, topic, from, limit)
			return err
		})
	}
	if err == nil && len(found) > 0 {
		err = db.Flush(ctx) // a message must not get out before what it tells of is certain
	}
	if err != nil {
		return nil, fmt.Errorf("reading messages of %s: %w", topic, err)
	}
	return found, nil
}

func readMessages(r Reader, box *seal.Box, topic string, from uint64, limit int) (found []Message, err error) {
	end := successor(appendKey([]byte{inOutbox}, []string{topic}))
	for e, err := range r.Scan(messageKey(topic, from), end, false) {
		if err != nil {
			return nil, err
		}
		plain, err := box.Open(e.Value, e.Key)
		if err != nil {
			return nil, fmt.Errorf("%w: a message %w", ErrCorrupt, err)
		}
		m, err := parseMessage(topic, e.Key, plain)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		if found = append(found, m); len(found) == limit {
			break
		}
	}
	return found, nil
}

func parseMessage(topic string, key, plain []byte) (Message, error) {
	end := bytes.Index(plain, []byte{0, 1})
	if end < 0 {
		return Message{}, errKey
	}
	of, err := parseKey(plain[:end+2])
	if err != nil {
		return Message{}, err
	}
	return Message{
		Topic:    topic,
		Key:      of[0],
		Sequence: binary.BigEndian.Uint64(key[len(key)-8:]),
		Payload:  plain[end+2:],
	}, nil
}

// Done removes a delivered message. If this is lost in a crash the message is delivered again.
func (tx *Tx) Done(m Message) error {
	if tx.w == nil {
		return tx.fail(ErrReadOnly)
	}
	if err := tx.w.Delete(messageKey(m.Topic, m.Sequence)); err != nil {
		return tx.fail(fmt.Errorf("removing a message of %s: %w", m.Topic, err))
	}
	return nil
}

// topics wakes those who wait for messages of this process.
type topics struct {
	mu     sync.Mutex
	wakers map[string]map[chan struct{}]bool
}

func (t *topics) wake(topic string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.wakers[topic] {
		select {
		case c <- struct{}{}:
		default: // one is pending
		}
	}
}

// Listen returns a channel on which something arrives after each commit that sent to the topic, several commits being
// one event, until stop is called. Messages of other nodes do not show here.
func (db *DB) Listen(topic string) (events <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	t := &db.topics
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wakers == nil {
		t.wakers = map[string]map[chan struct{}]bool{}
	}
	if t.wakers[topic] == nil {
		t.wakers[topic] = map[chan struct{}]bool{}
	}
	t.wakers[topic][c] = true
	return c, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.wakers[topic], c)
	}
}
