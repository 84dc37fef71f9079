package lambda

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// maxLayers is how many layers a function can have (gettingstarted-limits).
const maxLayers = 5

// Attachment is a layer version as a function has it: all that is needed to run it, for when the version is deleted.
// https://docs.aws.amazon.com/lambda/latest/dg/creating-deleting-layers.html#layers-delete
type Attachment struct {
	ARN  string
	Code Code
}

// attach finds the layer versions that a function is to have. Who may use them was decided before.
func (s *Service) attach(ctx context.Context, names []string) (layers []Attachment, err error) {
	if len(names) > maxLayers {
		return nil, invalid("Cannot reference more than %d layers.", maxLayers)
	}
	here := api.CallerOf(ctx).Region
	seen := map[string]layerReference{}
	err = s.deps.DB.View(ctx, func(tx *store.Tx) error {
		for _, name := range names {
			ref := referLayer(ctx, &name, 0)
			if ref.Region != here {
				return invalid("Layers are not in the same region as the function. Layers are expected to be in region %s.", here)
			}
			v, ok, err := s.layerVersions.Get(tx, ref.versionKey()...)
			if err != nil {
				return err
			}
			if !ok {
				return ref.gone()
			}
			if other, ok := seen[ref.base()]; ok {
				return invalid("Two different versions of the same layer are not allowed to be referenced in the same function. "+
					"%s and %s are versions of the same layer.", other, ref)
			}
			seen[ref.base()] = ref
			layers = append(layers, Attachment{ref.String(), v.Code})
		}
		return nil
	})
	return layers, err
}

func (r layerReference) gone() error { return invalid("Layer version %s does not exist.", r) }

// attached refuses layers of which a version was deleted since they were found: its content may be gone with it.
func (s *Service) attached(ctx context.Context, tx *store.Tx, layers []Attachment) error {
	for _, l := range layers {
		ref := referLayer(ctx, &l.ARN, 0)
		there, err := s.layerVersions.Has(tx, ref.versionKey()...)
		if err != nil {
			return err
		}
		if !there {
			return ref.gone()
		}
	}
	return nil
}

func unzipped(layers []Attachment) (size int64) {
	for _, l := range layers {
		size += l.Code.Unzipped
	}
	return size
}

// roomBeside is what layers leave for a package.
func roomBeside(layers []Attachment) (int64, error) {
	size := unzipped(layers)
	if size > maxUnzipped {
		return 0, invalid("Layers consume more than the available size of %d bytes", maxUnzipped)
	}
	return maxUnzipped - size, nil
}

// checkSize refuses a package and layers that are too large together.
func (c *Configuration) checkSize() error {
	if size := c.Code.Unzipped + unzipped(c.Layers); size > maxUnzipped {
		return invalid("Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.", maxUnzipped, size)
	}
	return nil
}

// layerList is the layers as a configuration shows them.
func (c *Configuration) layerList() (list []types.Layer) {
	for _, l := range c.Layers {
		list = append(list, types.Layer{
			Arn: aws.String(l.ARN), CodeSize: l.Code.Size,
			SigningProfileVersionArn: l.Code.Signature.profile(), SigningJobArn: l.Code.Signature.job(),
		})
	}
	return list
}

// layerIDs is how the sandbox knows the layers, in the order in which they are merged.
func (c *Configuration) layerIDs() (ids []string) {
	for _, l := range c.Layers {
		ids = append(ids, l.Code.id())
	}
	return ids
}

// packageOf finds the package of that id: the function's own or that of a layer.
func (c *Configuration) packageOf(id string) Code {
	for _, l := range c.Layers {
		if l.Code.id() == id {
			return l.Code
		}
	}
	return c.Code
}

// extensions are the programs that the layers bring to /opt/extensions, in the order of their names.
func (c *Configuration) extensions() (names []string) {
	for _, l := range c.Layers {
		names = append(names, l.Code.Extensions...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// optBootstrap tells what the layers have for a program at /opt/bootstrap: later ones go over earlier ones.
func (c *Configuration) optBootstrap() (b Bootstrap) {
	for _, l := range c.Layers {
		if l.Code.Bootstrap != NoBootstrap {
			b = l.Code.Bootstrap
		}
	}
	return b
}

// changeLayers gives a function other layers. No list keeps those that it has, an empty one takes them away.
func (s *Service) changeLayers(ctx context.Context, f *Function, names []string) (err error) {
	if names == nil {
		return nil
	}
	if f.Layers, err = s.attach(ctx, names); err != nil {
		return err
	}
	return f.checkSize()
}
