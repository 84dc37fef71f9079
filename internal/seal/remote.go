package seal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	vault "github.com/hashicorp/vault/api"
	"gocloud.dev/gcerrors"
	"gocloud.dev/gcp"
	"gocloud.dev/secrets"
	"gocloud.dev/secrets/awskms"
	"gocloud.dev/secrets/azurekeyvault"
	"gocloud.dev/secrets/gcpkms"
	"gocloud.dev/secrets/hashivault"
)

// remote is a keeper in another system. Credentials come from where that system's own tools look for them.
type remote struct {
	*secrets.Keeper
	close func()
}

func openVault(ctx context.Context, u *url.URL) (keeper, error) {
	address := firstSet("VAULT_SERVER_URL", "VAULT_ADDR")
	if address == "" {
		return nil, errors.New("set VAULT_ADDR to the URL of the Vault or OpenBao server, and VAULT_TOKEN")
	}
	client, err := hashivault.Dial(ctx, &hashivault.Config{
		Token:     firstSet("VAULT_SERVER_TOKEN", "VAULT_TOKEN"),
		APIConfig: vault.Config{Address: address},
	})
	if err != nil {
		return nil, err
	}
	return wrapRemote((&hashivault.URLOpener{Client: client}).OpenKeeperURL(ctx, u))
}

func firstSet(variables ...string) string {
	for _, v := range variables {
		if text := os.Getenv(v); text != "" {
			return text
		}
	}
	return ""
}

func openAWS(ctx context.Context, u *url.URL) (keeper, error) {
	return wrapRemote(new(awskms.URLOpener).OpenKeeperURL(ctx, u))
}

func openGCP(ctx context.Context, u *url.URL) (keeper, error) {
	credentials, err := gcp.DefaultCredentials(ctx)
	if err != nil {
		return nil, err
	}
	client, done, err := gcpkms.Dial(ctx, credentials.TokenSource)
	if err != nil {
		return nil, err
	}
	k, err := (&gcpkms.URLOpener{Client: client}).OpenKeeperURL(ctx, u)
	if err != nil {
		done()
		return nil, err
	}
	return &remote{k, done}, nil
}

func openAzure(ctx context.Context, u *url.URL) (keeper, error) {
	opener := azurekeyvault.URLOpener{ClientMaker: azurekeyvault.DefaultClientMaker}
	return wrapRemote(opener.OpenKeeperURL(ctx, u))
}

func wrapRemote(k *secrets.Keeper, err error) (keeper, error) {
	if err != nil {
		return nil, err
	}
	return &remote{k, func() {}}, nil
}

func (r *remote) Close() error {
	defer r.close()
	return r.Keeper.Close()
}

func (r *remote) Encrypt(ctx context.Context, plain []byte) (wrapped []byte, err error) {
	defer catch(&err)
	return r.Keeper.Encrypt(ctx, plain)
}

func (r *remote) Decrypt(ctx context.Context, wrapped []byte) (plain []byte, err error) {
	defer catch(&err)
	plain, err = r.Keeper.Decrypt(ctx, wrapped)
	if refused(err) {
		return nil, fmt.Errorf("%w: the keeper did not accept it; name with --seal the key this data was sealed with (%w)", ErrWrongKey, err)
	}
	return plain, err
}

// catch is here because the Vault driver takes every answer for a secret, and panics on one without.
func catch(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("unexpected answer: %v", p)
	}
}

// refused tells a key that does not fit from a keeper that cannot be reached or asked.
func refused(err error) bool {
	var answer *vault.ResponseError
	if errors.As(err, &answer) {
		return answer.StatusCode == http.StatusBadRequest
	}
	code := gcerrors.Code(err)
	return err != nil && (code == gcerrors.InvalidArgument || code == gcerrors.FailedPrecondition || code == gcerrors.NotFound)
}
