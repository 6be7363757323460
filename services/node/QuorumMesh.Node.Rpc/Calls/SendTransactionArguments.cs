using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>The object of eth_sendTransaction and its relatives, with GoQuorum's private fields.</summary>
internal sealed record SendTransactionArguments
{
    private const int MaxRecipients = 1_000;

    public Address From { get; init; }
    public Address? To { get; init; }
    public ulong? Gas { get; init; }
    public UInt256? GasPrice { get; init; }
    public UInt256? MaxFeePerGas { get; init; }
    public UInt256? MaxPriorityFeePerGas { get; init; }

    /// <summary>EIP-2930; null when the field is absent.</summary>
    public IReadOnlyList<AccessListEntry>? AccessList { get; init; }

    /// <summary>The chain that the caller means; null for whatever this one is.</summary>
    public UInt256? ChainId { get; init; }

    public UInt256 Value { get; init; }
    public ulong? Nonce { get; init; }
    public byte[]? Data { get; init; }
    public byte[]? Input { get; init; }

    /// <summary>Base64; null or empty for the manager's default key.</summary>
    public string? PrivateFrom { get; init; }

    /// <summary>Base64 each. Not null means private, even when empty.</summary>
    public IReadOnlyList<string>? PrivateFor { get; init; }

    /// <summary>As it was given: 0 to 3 are known.</summary>
    public ulong PrivacyFlag { get; init; }

    /// <summary>Base64 each; empty without.</summary>
    public IReadOnlyList<string> MandatoryFor { get; init; } = [];

    /// <summary>Where eth_sendTransactionAsync reports to.</summary>
    public string? CallbackUrl { get; init; }

    public bool IsPrivate => PrivateFor is not null;

    public static SendTransactionArguments Read(ref Utf8JsonReader reader)
    {
        const string Name = "SendTxArgs";
        if (reader.TokenType != JsonTokenType.StartObject) throw new GoTarget("ethapi." + Name).Cannot(GoJson.KindOf(reader));
        var result = new SendTransactionArguments();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = FieldName.Of(ref reader);
            reader.Read();
            if (reader.TokenType == JsonTokenType.Null) continue;
            switch (name)
            {
                case "from": result = result with { From = GoJson.Address(ref reader, "SendTxArgs.from") }; break;
                case "to": result = result with { To = GoJson.Address(ref reader, "SendTxArgs.to") }; break;
                case "gas": result = result with { Gas = GoJson.Quantity(ref reader, "SendTxArgs.gas") }; break;
                case "gasPrice": result = result with { GasPrice = GoJson.Big(ref reader, "SendTxArgs.gasPrice") }; break;
                case "value": result = result with { Value = GoJson.Big(ref reader, "SendTxArgs.value") }; break;
                case "nonce": result = result with { Nonce = GoJson.Quantity(ref reader, "SendTxArgs.nonce") }; break;
                case "data": result = result with { Data = GoJson.Bytes(ref reader, "SendTxArgs.data") }; break;
                case "input": result = result with { Input = GoJson.Bytes(ref reader, "SendTxArgs.input") }; break;
                case "privateFrom": result = result with { PrivateFrom = GoJson.String(ref reader, "SendTxArgs.privateFrom") }; break;
                case "privateFor": result = result with { PrivateFor = ReadRecipients(ref reader, Name, name) }; break;
                case "mandatoryFor": result = result with { MandatoryFor = ReadRecipients(ref reader, Name, name) }; break;
                case "privacyFlag": result = result with { PrivacyFlag = ReadFlag(ref reader, Name) }; break;
                case "accessList":
                    result = result with { AccessList = AccessListJson.ReadList(ref reader, "SendTxArgs.accessList") }; break;
                case "maxFeePerGas": result = result with { MaxFeePerGas = GoJson.Big(ref reader, "SendTxArgs.maxFeePerGas") }; break;
                case "maxPriorityFeePerGas":
                    result = result with { MaxPriorityFeePerGas = GoJson.Big(ref reader, "SendTxArgs.maxPriorityFeePerGas") }; break;
                case "chainId": result = result with { ChainId = GoJson.Big(ref reader, "SendTxArgs.chainId") }; break;
                case "authorizationList":
                    throw new RpcException("authorizationList (EIP-7702) is not taken here: sign the transaction and send it by "
                    + "eth_sendRawTransaction; a private transaction cannot have one");
                case "callbackUrl": result = result with { CallbackUrl = GoJson.String(ref reader, "AsyncSendTxArgs.callbackUrl") }; break;
                default: reader.Skip(); break;
            }
        }
        return result;
    }

    /// <summary>The second argument of eth_sendRawPrivateTransaction.</summary>
    public static SendTransactionArguments ReadRawPrivate(ref Utf8JsonReader reader)
    {
        const string Name = "SendRawTxArgs";
        if (reader.TokenType != JsonTokenType.StartObject) throw new GoTarget("ethapi." + Name).Cannot(GoJson.KindOf(reader));
        var result = new SendTransactionArguments();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = FieldName.Of(ref reader);
            reader.Read();
            if (reader.TokenType == JsonTokenType.Null) continue;
            if (name == "privateFor") result = result with { PrivateFor = ReadRecipients(ref reader, Name, name) };
            else if (name == "privateFrom") result = result with { PrivateFrom = GoJson.String(ref reader, "SendRawTxArgs.privateFrom") };
            else if (name == "mandatoryFor") result = result with { MandatoryFor = ReadRecipients(ref reader, Name, name) };
            else if (name == "privacyFlag") result = result with { PrivacyFlag = ReadFlag(ref reader, Name) };
            else reader.Skip();
        }
        return result;
    }

    private static List<string> ReadRecipients(ref Utf8JsonReader reader, string of, string field)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw new GoTarget($"{of}.{field}", "[]string").Cannot(GoJson.KindOf(reader));
        var keys = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (keys.Count >= MaxRecipients) throw new FormatException($"{field} has more than {MaxRecipients} keys");
            keys.Add(GoJson.String(ref reader, $"{of}.{field}"));
        }
        return keys;
    }

    private static ulong ReadFlag(ref Utf8JsonReader reader, string of) =>
        GoJson.Number(ref reader, ulong.MaxValue, "engine.PrivacyFlagType", of + ".PrivateTxArgs.privacyFlag");
}
