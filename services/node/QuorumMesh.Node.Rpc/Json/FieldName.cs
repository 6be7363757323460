using System.Text.Json;

namespace QuorumMesh.Node.Rpc.Json;

/// <summary>Names of argument objects, without allocating for the known ones.</summary>
internal static class FieldName
{
    private static readonly string[] Known =
    [
        "from", "to", "gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "value", "data", "input", "nonce", "privateFrom",
        "privateFor", "privacyFlag", "mandatoryFor", "callbackUrl",
        "fromBlock", "toBlock", "address", "topics", "blockHash",
        "authorizationList", "chainId", "yParity", "r", "s", "accessList", "storageKeys",
    ];

    /// <returns>Empty for a name that is not known.</returns>
    public static string Of(ref Utf8JsonReader reader)
    {
        foreach (var name in Known)
            if (reader.ValueTextEquals(name))
                return name;
        return "";
    }
}
