using System.Text.Json;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>Accounts as a simulated call is to find them: balance, nonce, code, single slots (geth's stateOverrides without <c>state</c>).</summary>
internal sealed class StateOverrides
{
    private const int MaxAccounts = 1_000;

    private readonly Dictionary<Address, Override> _accounts = [];

    private sealed class Override
    {
        public ulong? Nonce { get; set; }
        public UInt256? Balance { get; set; }
        public byte[]? Code { get; set; }
        public Dictionary<UInt256, UInt256> Slots { get; } = [];
    }

    /// <summary>An account that is in the private state is changed there, any other one in the public state.</summary>
    public void Apply(WorldState publicState, WorldState? privateState)
    {
        foreach (var (address, wanted) in _accounts)
        {
            var state = privateState is not null && privateState.Exists(address) ? privateState : publicState;
            if (wanted.Nonce is { } nonce) state.SetNonce(address, nonce);
            if (wanted.Balance is { } balance) state.SetBalance(address, balance);
            if (wanted.Code is { } code) state.SetCode(address, code);
            foreach (var (slot, value) in wanted.Slots) state.SetStorage(address, slot, value);
        }
    }

    public static StateOverrides Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new GoTarget("TraceConfig.stateOverrides", "object").Cannot(GoJson.KindOf(reader));
        var overrides = new StateOverrides();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!Hex.TryFromHex(name, out var bytes) || bytes.Length != Address.Size) throw new FormatException($"stateOverrides: '{name}' is no address");
            if (overrides._accounts.Count >= MaxAccounts) throw new FormatException($"stateOverrides: more than {MaxAccounts} accounts");
            reader.Read();
            overrides._accounts[new Address(bytes)] = ReadOne(ref reader);
        }
        return overrides;
    }

    private static Override ReadOne(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new GoTarget("TraceConfig.stateOverrides", "object").Cannot(GoJson.KindOf(reader));
        var wanted = new Override();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (reader.TokenType == JsonTokenType.Null) continue;
            switch (name)
            {
                case "nonce": wanted.Nonce = GoJson.Quantity(ref reader, "OverrideAccount.nonce"); break;
                case "balance": wanted.Balance = GoJson.Big(ref reader, "OverrideAccount.balance"); break;
                case "code": wanted.Code = GoJson.Bytes(ref reader, "OverrideAccount.code"); break;
                case "stateDiff": ReadSlots(ref reader, wanted.Slots); break;
                case "state": throw new FormatException("stateOverrides: 'state' is not supported, give single slots in 'stateDiff'");
                default: reader.Skip(); break;
            }
        }
        return wanted;
    }

    private static void ReadSlots(ref Utf8JsonReader reader, Dictionary<UInt256, UInt256> slots)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new GoTarget("OverrideAccount.stateDiff", "object").Cannot(GoJson.KindOf(reader));
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!Hex.TryFromHex(name, out var slot) || slot.Length != Hash256.Size) throw new FormatException($"stateOverrides: '{name}' is no slot of 32 bytes");
            reader.Read();
            slots[UInt256.FromBigEndian(slot)] = GoJson.Hash(ref reader, "OverrideAccount.stateDiff").ToWord();
        }
    }
}
