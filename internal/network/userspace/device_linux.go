package userspace

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A Device is one end of a pair of interfaces, the other of which is a sandbox's eth0. Unlike a TUN device it needs nothing
// of the host but a user namespace.
type Device struct {
	file  *os.File
	frame []byte // that was read last
}

// NewDevice reads and writes packets of a file that OpenDevice made, and takes it.
func NewDevice(f *os.File) *Device { return &Device{f, make([]byte, frameHeader+maxPacket)} }

const (
	frameHeader = 14      // of Ethernet: two hardware addresses and a type
	maxPacket   = 1 << 16 // the kernel hands over what it would cut only for a wire
)

// hardware is the address of both ends of every pair.
var hardware = net.HardwareAddr{0x02, 'R', 'D', 0, 0, 1}

// Read reads one packet.
func (d *Device) Read(b []byte) (int, error) {
	n, err := d.file.Read(d.frame)
	if err != nil {
		return 0, err
	}
	return copy(b, d.frame[min(n, frameHeader):n]), nil
}

// Write writes one packet.
func (d *Device) Write(packet []byte) (int, error) {
	kind := []byte{unix.ETH_P_IP >> 8, unix.ETH_P_IP & 0xff}
	if packet[0]>>4 == 6 {
		kind = []byte{unix.ETH_P_IPV6 >> 8, unix.ETH_P_IPV6 & 0xff}
	}
	frame := make([]byte, 0, frameHeader+len(packet))
	frame = append(append(append(append(frame, hardware...), hardware...), kind...), packet...)
	if _, err := d.file.Write(frame); err != nil {
		return 0, err
	}
	return len(packet), nil
}

// Close ends reading.
func (d *Device) Close() error { return d.file.Close() }

// OpenDevice makes the interface eth0 in the network namespace of the calling thread, with the addresses of a sandbox and
// routes to everywhere, and its other end in another namespace, of which it returns the file. It leaves the thread there:
// it must be locked, and end.
func OpenDevice(home *os.File) (*os.File, error) {
	var random [6]byte
	rand.Read(random[:])
	name := "r" + hex.EncodeToString(random[:])
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr, attrs.MTU = "eth0", hardware, MTU
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: name, PeerHardwareAddr: hardware, PeerMTU: MTU, PeerNamespace: netlink.NsFd(int(home.Fd()))}
	if err := netlink.LinkAdd(pair); err != nil {
		return nil, fmt.Errorf("making an interface: %w", err)
	}
	inside, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	defer inside.Close()
	// The other end first: an interface sends from the moment on at which it is up, if its other end is.
	if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	other, err := netlink.LinkByName(name)
	if err != nil {
		return nil, err
	}
	if err := configure(other); err != nil {
		return nil, fmt.Errorf("configuring the other end of an interface: %w", err)
	}
	if err := unix.Setns(int(inside.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	if err := configure(pair, Addrs...); err != nil {
		return nil, fmt.Errorf("configuring an interface: %w", err)
	}
	if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	return listenAt(other.Attrs().Index)
}

const receiveBuffer = 4 << 20

// listenAt opens a socket that sends and receives all packets of an interface.
func listenAt(index int) (*os.File, error) {
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a packet socket: %w", err)
	}
	// A reader that is late loses packets, and time with them. Only root may have more than the host's limit.
	for _, option := range []int{unix.SO_RCVBUF, unix.SO_RCVBUFFORCE} {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, receiveBuffer)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("binding a packet socket: %w", err)
	}
	return os.NewFile(uintptr(fd), "eth0"), nil
}
