using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>RLP forms of transactions: legacy (Yellow Paper 4.2), EIP-2930, EIP-1559 and EIP-7702.</summary>
internal static class TransactionCodec
{
    private static readonly string[] LegacyFields = ["nonce", "gasPrice", "gas", "to", "value", "input", "v", "r", "s"];
    private static readonly string[] AccessListFields = ["chainId", "nonce", "gasPrice", "gas", "to", "value", "input", "accessList",
        "yParity", "r", "s"];
    private static readonly string[] DynamicFeeFields =
        ["chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "input", "accessList", "yParity", "r", "s"];
    private static readonly string[] SetCodeFields =
        ["chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "input", "accessList", "authorizationList",
            "yParity", "r", "s"];

    public static byte[] Encode(Transaction tx)
    {
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        WriteFields(writer, tx);
        writer.Write(tx.V);
        writer.Write(tx.R);
        writer.Write(tx.S);
        writer.EndList(mark);
        return WithTypePrefix(tx.Type, writer);
    }

    public static byte[] EncodeForSigning(Transaction tx, UInt256? chainId)
    {
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        WriteFields(writer, tx);
        if (tx.Type == TransactionType.Legacy && chainId is { } id)
        {
            writer.Write(id);
            writer.Write(0ul);
            writer.Write(0ul);
        }
        writer.EndList(mark);
        return WithTypePrefix(tx.Type, writer);
    }

    public static Transaction Decode(ReadOnlySpan<byte> encoded)
    {
        if (encoded.IsEmpty)
            throw new FormatException("empty transaction");
        return encoded[0] >= 0xc0 ? DecodeLegacy(encoded) : DecodeTyped(encoded);
    }

    public static Transaction DecodeTyped(ReadOnlySpan<byte> encoded)
    {
        if (encoded.IsEmpty)
            throw new FormatException("empty typed transaction");
        var type = encoded[0];
        if (type is not ((byte)TransactionType.AccessList or (byte)TransactionType.DynamicFee or (byte)TransactionType.SetCode))
            throw new FormatException($"transaction type not supported: {type}");
        var reader = new RlpReader(encoded[1..]);
        var list = reader.ReadList();
        reader.ExpectEnd();
        var fields = list;
        try
        {
            var tx = ReadTyped(ref list, (TransactionType)type);
            list.ExpectEnd();
            tx.RememberEncoding(encoded.ToArray());
            return tx;
        }
        catch (RlpException e)
        {
            throw WithFieldName(e, fields, NamesOf((TransactionType)type));
        }
    }

    private static Transaction DecodeLegacy(ReadOnlySpan<byte> encoded)
    {
        var reader = new RlpReader(encoded);
        var list = reader.ReadList();
        reader.ExpectEnd();
        var fields = list;
        try
        {
            var tx = ReadLegacy(ref list);
            list.ExpectEnd();
            tx.RememberEncoding(encoded.ToArray());
            return tx;
        }
        catch (RlpException e)
        {
            throw WithFieldName(e, fields, NamesOf(TransactionType.Legacy));
        }
    }

    private static Transaction ReadLegacy(ref RlpReader list)
    {
        var nonce = list.ReadUInt64();
        var gasPrice = list.ReadUInt256();
        return new Transaction
        {
            Nonce = nonce,
            GasPrice = gasPrice,
            MaxPriorityFee = gasPrice,
            GasLimit = list.ReadUInt64(),
            To = list.ReadOptionalAddress(),
            Value = list.ReadUInt256(),
            Data = list.ReadBytes().ToArray(),
            V = list.ReadUInt256(),
            R = list.ReadUInt256(),
            S = list.ReadUInt256(),
        };
    }

    private static Transaction ReadTyped(ref RlpReader list, TransactionType type)
    {
        var chainId = list.ReadUInt256();
        var nonce = list.ReadUInt64();
        var tip = list.ReadUInt256();
        var feeCap = type == TransactionType.AccessList ? tip : list.ReadUInt256();
        return new Transaction
        {
            Type = type,
            TypedChainId = chainId,
            Nonce = nonce,
            GasPrice = feeCap,
            MaxPriorityFee = tip,
            GasLimit = list.ReadUInt64(),
            // EIP-7702 has no creations.
            To = type == TransactionType.SetCode ? list.ReadAddress() : list.ReadOptionalAddress(),
            Value = list.ReadUInt256(),
            Data = list.ReadBytes().ToArray(),
            AccessList = ReadAccessList(list.ReadList()),
            AuthorizationList = type == TransactionType.SetCode ? ReadAuthorizations(list.ReadList()) : [],
            V = list.ReadUInt256(),
            R = list.ReadUInt256(),
            S = list.ReadUInt256(),
        };
    }

    private static List<AccessListEntry> ReadAccessList(RlpReader items)
    {
        var entries = new List<AccessListEntry>();
        while (!items.End)
        {
            var entry = items.ReadList();
            var address = entry.ReadAddress();
            var keys = new List<UInt256>();
            for (var slots = entry.ReadList(); !slots.End;)
                keys.Add(slots.ReadHash256().ToWord());
            entry.ExpectEnd();
            entries.Add(new AccessListEntry(address, keys));
        }
        return entries;
    }

    private static List<Authorization> ReadAuthorizations(RlpReader items)
    {
        var authorizations = new List<Authorization>();
        while (!items.End)
            authorizations.Add(Authorization.Read(ref items));
        return authorizations;
    }

    private static void WriteFields(RlpWriter writer, Transaction tx)
    {
        if (tx.Type != TransactionType.Legacy)
            writer.Write(tx.TypedChainId);
        writer.Write(tx.Nonce);
        if (tx.Type >= TransactionType.DynamicFee)
            writer.Write(tx.MaxPriorityFee);
        writer.Write(tx.GasPrice);
        writer.Write(tx.GasLimit);
        writer.Write(tx.To);
        writer.Write(tx.Value);
        writer.Write(tx.Data);
        if (tx.Type != TransactionType.Legacy)
            WriteAccessList(writer, tx.AccessList);
        if (tx.Type != TransactionType.SetCode)
            return;
        var mark = writer.BeginList();
        foreach (var authorization in tx.AuthorizationList)
            authorization.Write(writer);
        writer.EndList(mark);
    }

    private static void WriteAccessList(RlpWriter writer, IReadOnlyList<AccessListEntry> entries)
    {
        Span<byte> slot = stackalloc byte[32];
        var mark = writer.BeginList();
        foreach (var entry in entries)
        {
            var item = writer.BeginList();
            writer.Write(entry.Address);
            var slots = writer.BeginList();
            foreach (var key in entry.StorageKeys)
            {
                key.WriteBigEndian(slot);
                writer.Write(slot);
            }
            writer.EndList(slots);
            writer.EndList(item);
        }
        writer.EndList(mark);
    }

    private static byte[] WithTypePrefix(TransactionType type, RlpWriter writer)
    {
        if (type == TransactionType.Legacy)
            return writer.ToArray();
        var result = new byte[1 + writer.WrittenSpan.Length];
        result[0] = (byte)type;
        writer.WrittenSpan.CopyTo(result.AsSpan(1));
        return result;
    }

    private static string[] NamesOf(TransactionType type) => type switch
    {
        TransactionType.AccessList => AccessListFields,
        TransactionType.DynamicFee => DynamicFeeFields,
        TransactionType.SetCode => SetCodeFields,
        _ => LegacyFields,
    };

    /// <summary>Puts the name of the field at the error's position before the reason; all before that position could be read.</summary>
    private static RlpException WithFieldName(RlpException e, RlpReader fields, string[] names)
    {
        var index = 0;
        while (index < names.Length && fields.Position < e.Position)
        {
            fields.Skip();
            if (fields.Position <= e.Position)
                index++;
        }
        return new RlpException(e.Position, index < names.Length ? $"{names[index]}: {e.Reason}" : e.Reason);
    }
}
