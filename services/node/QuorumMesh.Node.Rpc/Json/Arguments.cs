using System.Text.Json;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Json;

internal delegate T JsonRead<out T>(ref Utf8JsonReader reader);

/// <summary>Typed access to a call's arguments. Read them in order and before doing anything else.</summary>
internal static class Arguments
{
    public static T Read<T>(this RpcCall call, int index, JsonRead<T> read)
    {
        var reader = call.Required(index);
        try
        {
            return read(ref reader);
        }
        catch (FormatException e)
        {
            throw RpcException.InvalidArgument(index, e.Message);
        }
    }

    public static Address Address(this RpcCall call, int index) => call.Read(index, static (ref Utf8JsonReader r) => GoJson.Address(ref r));

    public static Hash256 Hash(this RpcCall call, int index) => call.Read(index, static (ref Utf8JsonReader r) => GoJson.Hash(ref r));

    public static byte[] Bytes(this RpcCall call, int index) => call.Read(index, static (ref Utf8JsonReader r) => GoJson.Bytes(ref r));

    public static string Text(this RpcCall call, int index) => call.Read(index, static (ref Utf8JsonReader r) => GoJson.String(ref r));

    public static bool Bool(this RpcCall call, int index) => call.Read(index, static (ref Utf8JsonReader r) => GoJson.Bool(ref r));

    public static BlockTag Block(this RpcCall call, int index) => call.Read(index, BlockTag.Read);

    /// <summary>Absent means latest.</summary>
    public static BlockTag OptionalBlock(this RpcCall call, int index) => call.Has(index) ? call.Block(index) : BlockTag.Latest;

    public static ulong Quantity(this RpcCall call, int index, string type = "hexutil.Uint") =>
        call.Read(index, (ref Utf8JsonReader r) => GoJson.Quantity(ref r, null, type));

    public static ulong Number(this RpcCall call, int index, ulong max, string type) =>
        call.Read(index, (ref Utf8JsonReader r) => GoJson.Number(ref r, max, type));

    /// <summary>A JSON number as Go gives it, or a hex string as many libraries send it.</summary>
    public static ulong NumberOrQuantity(this RpcCall call, int index) => call.Read(index, static (ref Utf8JsonReader r) =>
        r.TokenType == JsonTokenType.String ? GoJson.Quantity(ref r) : GoJson.Number(ref r, ulong.MaxValue, "uint64"));
}
