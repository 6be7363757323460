using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>The object of eth_call and eth_estimateGas.</summary>
internal sealed record CallArguments
{
    public Address? From { get; init; }
    public Address? To { get; init; }
    public ulong? Gas { get; init; }
    public UInt256 GasPrice { get; init; }

    /// <summary>Null when the field is absent, which counts as 0.</summary>
    public UInt256? Value { get; init; }
    public byte[] Data { get; init; } = [];

    /// <summary>EIP-2930; null when the field is absent. Before Berlin it is passed over, as by the GoQuorum of then.</summary>
    public IReadOnlyList<AccessListEntry>? AccessList { get; init; }

    /// <summary>EIP-7702; null when the field is absent.</summary>
    public IReadOnlyList<Authorization>? AuthorizationList { get; init; }

    /// <summary>Accounts to be changed before the call; null for none.</summary>
    public StateOverrides? Overrides { get; init; }

    public static CallArguments Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new GoTarget("ethapi.CallArgs").Cannot(GoJson.KindOf(reader));
        Address? from = null, to = null;
        ulong? gas = null;
        UInt256 price = default;
        UInt256? value = null;
        byte[]? data = null, input = null;
        List<Authorization>? authorizations = null;
        List<AccessListEntry>? accessList = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = FieldName.Of(ref reader);
            reader.Read();
            if (reader.TokenType == JsonTokenType.Null) continue;
            switch (name)
            {
                case "from": from = GoJson.Address(ref reader, "CallArgs.from"); break;
                case "to": to = GoJson.Address(ref reader, "CallArgs.to"); break;
                case "gas": gas = GoJson.Quantity(ref reader, "CallArgs.gas"); break;
                case "gasPrice": price = GoJson.Big(ref reader, "CallArgs.gasPrice"); break;
                case "value": value = GoJson.Big(ref reader, "CallArgs.value"); break;
                case "data": data = GoJson.Bytes(ref reader, "CallArgs.data"); break;
                case "input": input = GoJson.Bytes(ref reader, "CallArgs.input"); break;
                case "accessList": accessList = AccessListJson.ReadList(ref reader, "CallArgs.accessList"); break;
                case "authorizationList": authorizations = AuthorizationJson.ReadList(ref reader, "CallArgs.authorizationList"); break;
                default: reader.Skip(); break;
            }
        }
        return new CallArguments
        {
            From = from,
            To = to,
            Gas = gas,
            GasPrice = price,
            Value = value,
            Data = data ?? input ?? [],
            AccessList = accessList,
            AuthorizationList = authorizations,
        };
    }
}
