using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>A signed transaction as a client sends it; where the list has not as many fields as it should, told in Go's words.</summary>
internal static class RawTransaction
{
    private const byte FirstListByte = 0xc0;

    /// <exception cref="RpcException">The bytes are no transaction that the profile's GoQuorum reads.</exception>
    public static Transaction Decode(byte[] raw, RpcRules rules)
    {
        if (raw.Length == 0) throw new RpcException("EOF");
        var isTyped = raw[0] < FirstListByte;
        if (isTyped && !rules.KnowsTransactionTypes) throw new RpcException("rlp: expected input list for types.txdata");
        try
        {
            RequireFields(raw, isTyped, rules);
            return Transaction.Decode(raw);
        }
        catch (FormatException e)
        {
            throw new RpcException($"rlp: {e.Message}");
        }
    }

    private static void RequireFields(byte[] raw, bool isTyped, RpcRules rules)
    {
        if (ShapeOf(raw[0], isTyped, rules) is not var (fields, name)) return;
        var reader = new RlpReader(raw.AsSpan(isTyped ? 1 : 0));
        var count = reader.ReadList().CountItems();
        if (count < fields) throw new RpcException($"rlp: too few elements for types.{name}");
        if (count > fields) throw new RpcException($"rlp: input list has too many elements for types.{name}");
    }

    /// <summary>How many fields a type has, and Go's name of it; null for one that nobody knows.</summary>
    private static (int Fields, string Name)? ShapeOf(byte first, bool isTyped, RpcRules rules) => isTyped
        ? (TransactionType)first switch
        {
            TransactionType.AccessList => (11, "AccessListTx"),
            TransactionType.DynamicFee => (12, "DynamicFeeTx"),
            TransactionType.SetCode => (13, "SetCodeTx"),
            _ => null,
        }
        : (9, rules.KnowsTransactionTypes ? "LegacyTx" : "txdata");
}
