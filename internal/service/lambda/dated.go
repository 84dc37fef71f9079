package lambda

import "redoubt/internal/api"

// recordNames are the names of Lambda's operations in CloudTrail, which carry the date of their API. They are those that
// records of AWS show; Invoke has its own.
var recordNames = map[string]string{
	"AddPermission":               "AddPermission20150331v2",
	"CreateAlias":                 "CreateAlias20150331",
	"CreateFunction":              "CreateFunction20150331",
	"DeleteAlias":                 "DeleteAlias20150331",
	"DeleteFunction":              "DeleteFunction20150331",
	"DeleteFunctionConcurrency":   "DeleteFunctionConcurrency20171031",
	"GetAccountSettings":          "GetAccountSettings20160819",
	"GetAlias":                    "GetAlias20150331",
	"GetFunction":                 "GetFunction20150331v2",
	"GetFunctionConfiguration":    "GetFunctionConfiguration20150331v2",
	"GetPolicy":                   "GetPolicy20150331v2",
	"ListAliases":                 "ListAliases20150331",
	"ListFunctions":               "ListFunctions20150331",
	"ListTags":                    "ListTags20170331",
	"ListVersionsByFunction":      "ListVersionsByFunction20150331",
	"PublishVersion":              "PublishVersion20150331",
	"PutFunctionConcurrency":      "PutFunctionConcurrency20171031",
	"RemovePermission":            "RemovePermission20150331v2",
	"TagResource":                 "TagResource20170331v2",
	"UntagResource":               "UntagResource20170331v2",
	"UpdateAlias":                 "UpdateAlias20150331",
	"UpdateFunctionCode":          "UpdateFunctionCode20150331v2",
	"UpdateFunctionConfiguration": "UpdateFunctionConfiguration20150331v2",

	"AddLayerVersionPermission":    "AddLayerVersionPermission20181031",
	"DeleteLayerVersion":           "DeleteLayerVersion20181031",
	"GetLayerVersion":              "GetLayerVersion20181031",
	"GetLayerVersionByArn":         "GetLayerVersionByArn20181031",
	"GetLayerVersionPolicy":        "GetLayerVersionPolicy20181031",
	"ListLayerVersions":            "ListLayerVersions20181031",
	"ListLayers":                   "ListLayers20181031",
	"PublishLayerVersion":          "PublishLayerVersion20181031",
	"RemoveLayerVersionPermission": "RemoveLayerVersionPermission20181031",
}

// dated gives the operations their names in records.
func dated(ops []api.Operation) []api.Operation {
	for i, op := range ops {
		if name, ok := recordNames[op.Name]; ok {
			ops[i] = op.RecordedAs(name)
		}
	}
	return ops
}
