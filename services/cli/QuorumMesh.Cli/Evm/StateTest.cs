using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Cli.Evm;

/// <summary>One expected result of a state test: a fork and a choice of data, gas and value.</summary>
internal sealed record StateTestCase(string File, string Name, string ForkName, int Data, int Gas, int Value, Hash256 Root,
    Hash256 LogsHash, string? Exception, string? TransactionBytes);

/// <summary>One test of a file in the format of ethereum/tests' GeneralStateTests.</summary>
internal sealed class StateTest
{
    private const string BigIntegerMark = "0x:bigint ";

    // EIP-4844 and EIP-7691.
    private const ulong BlobFractionCancun = 3338477;
    private const ulong BlobFractionPrague = 5007716;

    private readonly JsonElement _environment;
    private readonly JsonElement _transaction;
    private readonly GenesisAccount[] _pre;

    private StateTest(string file, string name, JsonElement test)
    {
        _environment = test.GetProperty("env");
        _transaction = test.GetProperty("transaction");
        _pre = [.. test.GetProperty("pre").EnumerateObject().Select(ReadAccount)];
        Cases = [.. test.GetProperty("post").EnumerateObject()
            .SelectMany(fork => fork.Value.EnumerateArray().Select(post => ReadCase(file, name, fork.Name, post)))];
    }

    public IReadOnlyList<StateTestCase> Cases { get; }

    /// <exception cref="FormatException">The file is not a state test.</exception>
    public static IReadOnlyList<StateTest> Load(string file)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            using JsonDocument document = JsonDocument.Parse(stream, new JsonDocumentOptions { MaxDepth = 32 });
            return [.. document.RootElement.Clone().EnumerateObject().Select(test => new StateTest(file, test.Name, test.Value))];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or OverflowException)
        {
            throw new FormatException($"{file} is not a state test file: {e.Message}", e);
        }
    }

    public WorldState CreateState()
    {
        var state = new WorldState(EmptyState.Instance);
        foreach (GenesisAccount account in _pre) account.ApplyTo(state);
        state.BeginTransaction();
        return state;
    }

    public BlockContext CreateBlock(Fork fork) => new()
    {
        Coinbase = Address.Parse(Text(_environment, "currentCoinbase")),
        Difficulty = Word(_environment, "currentDifficulty"),
        PrevRandao = fork >= Fork.Paris && _environment.TryGetProperty("currentRandom", out _)
            ? Hash256.FromWord(Word(_environment, "currentRandom")) : null,
        Number = (ulong)Word(_environment, "currentNumber"),
        Timestamp = (ulong)Word(_environment, "currentTimestamp"),
        GasLimit = (ulong)Word(_environment, "currentGasLimit"),
        BaseFee = fork >= Fork.London ? Word(_environment, "currentBaseFee") : default,
        BlobBaseFee = BlobBaseFee((ulong)Word(_environment, "currentExcessBlobGas"),
            fork >= Fork.Prague ? BlobFractionPrague : BlobFractionCancun),
        BlockHash = static number =>
            Keccak.Hash(System.Text.Encoding.ASCII.GetBytes(number.ToString(System.Globalization.CultureInfo.InvariantCulture))),
    };

    /// <summary>Null when a field does not fit its type: a transaction that could not even be decoded.</summary>
    public TransactionMessage? CreateMessage(StateTestCase chosen, Fork fork, in UInt256 baseFee)
    {
        if (!TryChosenWord("value", chosen.Value, out UInt256 value) || !TryChosenWord("gasLimit", chosen.Gas, out UInt256 gas)
            || !gas.IsUInt64) return null;
        if (!TryParseWord(TextOr(_transaction, "nonce", "0x0"), out UInt256 nonce) || !nonce.IsUInt64) return null;
        bool dynamic = _transaction.TryGetProperty("maxFeePerGas", out _);
        if (!TryParseWord(TextOr(_transaction, dynamic ? "maxFeePerGas" : "gasPrice", "0x0"), out UInt256 cap)) return null;
        UInt256 tip = cap;
        if (dynamic && !TryParseWord(TextOr(_transaction, "maxPriorityFeePerGas", "0x0"), out tip)) return null;
        string to = TextOr(_transaction, "to", "");
        IReadOnlyList<AccessListEntry>? accessList = ReadAccessList(chosen.Data);
        Hash256[]? blobs = _transaction.TryGetProperty("blobVersionedHashes", out JsonElement hashes)
            ? [.. hashes.EnumerateArray().Select(h => Hash256.Parse(h.GetString()!))] : null;
        if (!TryReadAuthorizations(out Authorization[]? authorizations)) return null;
        bool dynamicPrice = dynamic && fork >= Fork.London;
        return new TransactionMessage
        {
            Type = authorizations is not null ? TransactionType.SetCode
                : blobs is not null || _transaction.TryGetProperty("maxFeePerBlobGas", out _) ? TransactionType.Blob
                : dynamic ? TransactionType.DynamicFee
                : accessList is not null ? TransactionType.AccessList : TransactionType.Legacy,
            From = ReadSender(),
            To = to.Length == 0 ? null : Address.Parse(to),
            Nonce = nonce.U0,
            Value = value,
            GasLimit = gas.U0,
            GasPrice = dynamicPrice ? TransactionMessage.EffectivePrice(cap, tip, baseFee) : cap,
            MaxFeePerGas = cap,
            MaxPriorityFeePerGas = tip,
            Data = Hex.FromHex(Chosen("data", chosen.Data)),
            AccessList = accessList ?? [],
            AuthorizationList = authorizations ?? [],
            Authorities = [.. (authorizations ?? []).Select(a => a.TryRecover(out Address authority) ? authority : (Address?)null)],
            BlobHashes = blobs ?? [],
            MaxFeePerBlobGas = Word(_transaction, "maxFeePerBlobGas"),
        };
    }

    private Address ReadSender() => _transaction.TryGetProperty("sender", out JsonElement sender)
        ? Address.Parse(sender.GetString()!)
        : Secp256k1.AddressOf(Secp256k1.PublicKey(Hex.FromHex(Text(_transaction, "secretKey"))));

    private AccessListEntry[]? ReadAccessList(int index)
    {
        if (!_transaction.TryGetProperty("accessLists", out JsonElement lists) || index >= lists.GetArrayLength()
            || lists[index].ValueKind != JsonValueKind.Array) return null;
        return [.. lists[index].EnumerateArray().Select(entry => new AccessListEntry(
            Address.Parse(Text(entry, "address")),
            [.. entry.GetProperty("storageKeys").EnumerateArray().Select(key => UInt256.Parse(key.GetString()!))]))];
    }

    /// <summary>Null when the transaction has no list; false when a field does not fit its type.</summary>
    private bool TryReadAuthorizations(out Authorization[]? authorizations)
    {
        authorizations = null;
        if (!_transaction.TryGetProperty("authorizationList", out JsonElement list) || list.ValueKind != JsonValueKind.Array) return true;
        var read = new List<Authorization>();
        foreach (JsonElement tuple in list.EnumerateArray())
        {
            if (!TryParseWord(Text(tuple, "chainId"), out UInt256 chainId) || !TryParseWord(Text(tuple, "nonce"), out UInt256 nonce)
                || !nonce.IsUInt64) return false;
            if (!TryParseWord(TextOr(tuple, "yParity", TextOr(tuple, "v", "0x0")), out UInt256 parity) || parity > 255u) return false;
            if (!TryParseWord(Text(tuple, "r"), out UInt256 r) || !TryParseWord(Text(tuple, "s"), out UInt256 s)) return false;
            if (!Address.TryParse(Text(tuple, "address"), out Address address)) return false;
            read.Add(new Authorization(chainId, address, nonce.U0, (byte)parity.U0, r, s));
        }

        authorizations = [.. read];
        return true;
    }

    private string Chosen(string field, int index) => _transaction.GetProperty(field)[index].GetString()!;

    private bool TryChosenWord(string field, int index, out UInt256 word) => TryParseWord(Chosen(field, index), out word);

    private static GenesisAccount ReadAccount(JsonProperty account) => new(Address.Parse(account.Name), Word(account.Value, "balance"))
    {
        Nonce = (ulong)Word(account.Value, "nonce"),
        Code = Hex.FromHex(Text(account.Value, "code")),
        Storage = account.Value.GetProperty("storage").EnumerateObject()
        .ToDictionary(slot => UInt256.Parse(slot.Name), slot => UInt256.Parse(slot.Value.GetString()!)),
    };

    private static StateTestCase ReadCase(string file, string name, string fork, JsonElement post)
    {
        JsonElement indexes = post.GetProperty("indexes");
        return new StateTestCase(
            file,
            name,
            fork,
            indexes.GetProperty("data").GetInt32(),
            indexes.GetProperty("gas").GetInt32(),
            indexes.GetProperty("value").GetInt32(),
            Hash256.Parse(Text(post, "hash")),
            Hash256.Parse(Text(post, "logs")),
            post.TryGetProperty("expectException", out JsonElement exception) ? exception.GetString() : null,
            post.TryGetProperty("txbytes", out JsonElement bytes) ? bytes.GetString() : null);
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static string TextOr(JsonElement element, string name, string otherwise) =>
        element.TryGetProperty(name, out JsonElement value) ? value.GetString()! : otherwise;

    /// <summary>Zero when the field is absent.</summary>
    private static UInt256 Word(JsonElement element, string name) => TryParseWord(TextOr(element, name, "0x0"), out UInt256 word)
        ? word
        : throw new FormatException($"{name} is not a 256-bit number");

    private static bool TryParseWord(string text, out UInt256 word)
    {
        if (text.StartsWith(BigIntegerMark, StringComparison.Ordinal)) text = text[BigIntegerMark.Length..];
        return UInt256.TryParse(text == "0x" ? "0x0" : text, out word);
    }

    /// <summary>EIP-4844's fake_exponential(1, excess, fraction).</summary>
    private static UInt256 BlobBaseFee(ulong excess, ulong fraction)
    {
        UInt256 denominator = fraction;
        UInt256 sum = default;
        UInt256 term = denominator;
        for (ulong i = 1; !term.IsZero; i++)
        {
            sum += term;
            term = term * excess / (denominator * i);
        }

        return sum / denominator;
    }
}
