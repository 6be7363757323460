namespace QuorumMesh.Node.Rpc.Json;

/// <summary>What a JSON value was to become, in the words of Go's decoder: GoQuorum's errors name it.</summary>
/// <param name="Field">As <c>CallArgs.data</c>; null for a whole argument.</param>
/// <param name="Type">As <c>hexutil.Bytes</c>.</param>
internal readonly record struct GoTarget(string? Field, string Type)
{
    public GoTarget(string type)
        : this(null, type)
    {
    }

    public FormatException Cannot(string what) =>
        new($"json: cannot unmarshal {what} into Go {(Field is null ? "value" : $"struct field {Field}")} of type {Type}");
}
