package iam

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"image/png"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/pquerna/otp"

	"redoubt/internal/store"
)

// Device is a virtual MFA device: a seed from which a program derives codes (RFC 6238).
type Device struct {
	Name, Path string
	Seed       string // base32
	Created    time.Time
	Tags       map[string]string

	User    string // who uses it; "" while it is not enabled
	Root    bool   // it is the root user who uses it
	Enabled time.Time
	Drift   int64 // steps by which its clock is ahead
	Last    int64 // the step of the last code that was accepted: no code is good twice
	Wrong   int   // codes refused in a row
	Refused time.Time
}

// String hides the seed.
func (d Device) String() string { return d.Name }

func (d *Device) serial(account string) string { return arnOf(account, "mfa", d.Path, d.Name) }

// CreateVirtualMFADevice makes a device that nobody uses yet. Its seed is shown once.
func (s *Service) CreateVirtualMFADevice(ctx context.Context, in *iam.CreateVirtualMFADeviceInput) (*iam.CreateVirtualMFADeviceOutput, error) {
	d := Device{Name: *in.VirtualMFADeviceName, Path: pathOr(in.Path), Seed: newSeed(), Created: now()}
	if err := setTags(&d.Tags, in.Tags); err != nil {
		return nil, err
	}
	serial := d.serial(account(ctx))
	code, err := qrCode(&d, account(ctx))
	if err != nil {
		return nil, err
	}
	err = s.update(ctx, func(tx *store.Tx) error {
		taken, err := s.devices.Has(tx, account(ctx), "", serial)
		if err != nil {
			return err
		}
		if taken {
			return exists("MFADevice entity at the same path and name already exists.")
		}
		return s.devices.Put(tx, d, account(ctx), "", serial)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateVirtualMFADeviceOutput{VirtualMFADevice: &types.VirtualMFADevice{
		SerialNumber: &serial, Base32StringSeed: []byte(d.Seed), QRCodePNG: code, Tags: showTags(d.Tags),
	}}, nil
}

// newSeed is 64 characters, as long as AWS's.
func newSeed() string {
	var b [40]byte
	rand.Read(b[:])
	return base32.StdEncoding.EncodeToString(b[:])
}

// qrCode is the picture that authenticator programs read.
func qrCode(d *Device, account string) ([]byte, error) {
	key, err := otp.NewKeyFromURL(fmt.Sprintf("otpauth://totp/%s?secret=%s&issuer=Redoubt",
		url.PathEscape("Redoubt:"+d.Name+"@"+account), d.Seed))
	if err != nil {
		return nil, fmt.Errorf("describing an MFA device: %w", err)
	}
	picture, err := key.Image(240, 240)
	if err != nil {
		return nil, fmt.Errorf("drawing a QR code: %w", err)
	}
	var b bytes.Buffer
	err = png.Encode(&b, picture)
	return b.Bytes(), err
}

// DeleteVirtualMFADevice deletes a device that nobody uses.
func (s *Service) DeleteVirtualMFADevice(ctx context.Context, in *iam.DeleteVirtualMFADeviceInput) (*iam.DeleteVirtualMFADeviceOutput, error) {
	return &iam.DeleteVirtualMFADeviceOutput{}, s.update(ctx, func(tx *store.Tx) error {
		d, err := s.device(tx, account(ctx), *in.SerialNumber)
		if err != nil {
			return err
		}
		if !d.Enabled.IsZero() {
			return conflict("MFA VirtualDevice in use. Must deactivate first.")
		}
		return s.devices.Delete(tx, account(ctx), "", *in.SerialNumber)
	})
}

// GetMFADevice shows a device that is in use by the user, or by the caller: permission was asked for no other.
func (s *Service) GetMFADevice(ctx context.Context, in *iam.GetMFADeviceInput) (*iam.GetMFADeviceOutput, error) {
	d, err := read(ctx, s, func(tx *store.Tx) (*Device, error) {
		h, err := s.holder(ctx, tx, in.UserName)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(h.serials(), *in.SerialNumber) {
			return nil, noDevice(*in.SerialNumber)
		}
		return s.device(tx, account(ctx), *in.SerialNumber)
	})
	if err != nil {
		return nil, err
	}
	return &iam.GetMFADeviceOutput{SerialNumber: in.SerialNumber, EnableDate: date(d.Enabled), UserName: text(d.User)}, nil
}

// ListMFADevices lists the devices of a user, or of the caller.
func (s *Service) ListMFADevices(ctx context.Context, in *iam.ListMFADevicesInput) (*iam.ListMFADevicesOutput, error) {
	p, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListMFADevicesOutput{MFADevices: []types.MFADevice{}}
	return out, s.view(ctx, func(tx *store.Tx) error {
		h, err := s.holder(ctx, tx, in.UserName)
		if err != nil {
			return err
		}
		serials, next := cut(p, h.serials(), itself)
		out.IsTruncated, out.Marker = next != nil, next
		for _, serial := range serials {
			d, err := s.device(tx, account(ctx), serial)
			if err != nil {
				return err
			}
			out.MFADevices = append(out.MFADevices, types.MFADevice{
				SerialNumber: aws.String(serial), EnableDate: date(d.Enabled), UserName: aws.String(h.name),
			})
		}
		return nil
	})
}

// ListVirtualMFADevices lists the devices of the account.
func (s *Service) ListVirtualMFADevices(ctx context.Context, in *iam.ListVirtualMFADevicesInput) (*iam.ListVirtualMFADevicesOutput, error) {
	p, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListVirtualMFADevicesOutput{VirtualMFADevices: []types.VirtualMFADevice{}}
	return out, s.view(ctx, func(tx *store.Tx) error {
		found, next, err := scanPage(tx, s.devices, p, func(d *Device) bool {
			switch in.AssignmentStatus {
			case types.AssignmentStatusTypeAssigned:
				return !d.Enabled.IsZero()
			case types.AssignmentStatusTypeUnassigned:
				return d.Enabled.IsZero()
			}
			return true
		}, account(ctx), "")
		if err != nil {
			return err
		}
		out.IsTruncated, out.Marker = next != nil, next
		for _, d := range found {
			shown, err := s.showDevice(tx, account(ctx), &d)
			if err != nil {
				return err
			}
			out.VirtualMFADevices = append(out.VirtualMFADevices, shown)
		}
		return nil
	})
}

func (s *Service) showDevice(tx *store.Tx, account string, d *Device) (types.VirtualMFADevice, error) {
	shown := types.VirtualMFADevice{SerialNumber: aws.String(d.serial(account)), EnableDate: date(d.Enabled)}
	switch {
	case d.Root:
		shown.User = &types.User{Arn: aws.String(rootARN(account)), UserId: aws.String(account)}
	case d.User != "":
		u, err := s.users.load(tx, account, d.User)
		if err != nil {
			return shown, err
		}
		brief := u.brief(account)
		shown.User = &brief
	}
	return shown, nil
}

// TagMFADevice adds tags to a device.
func (s *Service) TagMFADevice(ctx context.Context, in *iam.TagMFADeviceInput) (*iam.TagMFADeviceOutput, error) {
	return &iam.TagMFADeviceOutput{}, s.update(ctx, func(tx *store.Tx) (err error) {
		changed := s.changeDevice(tx, account(ctx), *in.SerialNumber, func(d *Device) { err = setTags(&d.Tags, in.Tags) })
		if err != nil {
			return err
		}
		return changed
	})
}

// UntagMFADevice removes tags from a device.
func (s *Service) UntagMFADevice(ctx context.Context, in *iam.UntagMFADeviceInput) (*iam.UntagMFADeviceOutput, error) {
	return &iam.UntagMFADeviceOutput{}, s.update(ctx, func(tx *store.Tx) error {
		return s.changeDevice(tx, account(ctx), *in.SerialNumber, func(d *Device) { removeTags(d.Tags, in.TagKeys) })
	})
}

// ListMFADeviceTags lists the tags of a device.
func (s *Service) ListMFADeviceTags(ctx context.Context, in *iam.ListMFADeviceTagsInput) (*iam.ListMFADeviceTagsOutput, error) {
	tags, next, err := tagPage(in.Marker, in.MaxItems, func() (map[string]string, error) {
		d, err := read(ctx, s, func(tx *store.Tx) (*Device, error) { return s.device(tx, account(ctx), *in.SerialNumber) })
		if err != nil {
			return nil, err
		}
		return d.Tags, nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.ListMFADeviceTagsOutput{Tags: tags, IsTruncated: next != nil, Marker: next}, nil
}

func (s *Service) device(tx *store.Tx, account, serial string) (*Device, error) {
	d, ok, err := s.devices.Get(tx, account, "", serial)
	if err == nil && !ok {
		err = noDevice(serial)
	}
	return &d, err
}

func (s *Service) changeDevice(tx *store.Tx, account, serial string, fn func(*Device)) error {
	d, err := s.device(tx, account, serial)
	if err != nil {
		return err
	}
	fn(d)
	return s.devices.Put(tx, *d, account, "", serial)
}

func noDevice(serial string) error {
	return noSuch("VirtualMFADevice with serial number %s doesn't exist.", serial)
}

// deviceAccount is the account in a serial number.
func deviceAccount(serial string) string {
	if account, noun := owner(serial); noun == "mfa" {
		return account
	}
	return strings.Repeat("-", 12) // nobody's
}
