using System.Text.Json;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// Accounts as a simulated call is to find them: balance, nonce, code, all slots (<c>state</c>) or single ones
/// (<c>stateDiff</c>), in geth's shape.
/// </summary>
internal sealed class StateOverrides
{
    private const int MaxAccounts = 1_000;

    private readonly Dictionary<Address, Override> _accounts = [];

    private sealed class Override
    {
        public ulong? Nonce { get; set; }
        public UInt256? Balance { get; set; }
        public byte[]? Code { get; set; }
        public Dictionary<UInt256, UInt256>? AllSlots { get; set; }
        public Dictionary<UInt256, UInt256>? SomeSlots { get; set; }
    }

    /// <summary>Whether an account's balance is given.</summary>
    public bool SetsBalanceOf(in Address address) => _accounts.TryGetValue(address, out var given) && given.Balance is not null;

    /// <summary>
    /// An account that is in the private state is changed there, any other one in the public state: so a call finds the changed
    /// account where it would look for the one before, and no address is on both sides.
    /// </summary>
    /// <param name="privateState">Null when the call sees the public state alone.</param>
    public void Apply(StateOverlay publicState, StateOverlay? privateState)
    {
        var isPrivate = _accounts.Keys.ToLookup(address => privateState?.GetAccount(address) is not null);
        Apply(publicState, isPrivate[false]);
        if (privateState is not null) Apply(privateState, isPrivate[true]);
    }

    private void Apply(StateOverlay overlay, IEnumerable<Address> addresses)
    {
        var state = new WorldState(overlay);
        foreach (var address in addresses)
        {
            var wanted = _accounts[address];
            if (wanted.Nonce is { } nonce) state.SetNonce(address, nonce);
            if (wanted.Balance is { } balance) state.SetBalance(address, balance);
            if (wanted.Code is { } code) state.SetCode(address, code);
            foreach (var (slot, value) in wanted.SomeSlots ?? []) state.SetStorage(address, slot, value);
        }
        overlay.Apply(state.TakeChanges());
        foreach (var address in addresses)
            if (_accounts[address].AllSlots is { } slots) overlay.ReplaceStorage(address, slots);
    }

    public static StateOverrides Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new GoTarget("ethapi.StateOverride").Cannot(GoJson.KindOf(reader));
        var overrides = new StateOverrides();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!Hex.TryFromHex(name, out var bytes) || bytes.Length != Address.Size)
                throw new FormatException($"stateOverrides: '{name}' is no address");
            if (overrides._accounts.Count >= MaxAccounts) throw new FormatException($"stateOverrides: more than {MaxAccounts} accounts");
            reader.Read();
            overrides._accounts[new Address(bytes)] = ReadOne(ref reader, name);
        }
        return overrides;
    }

    private static Override ReadOne(ref Utf8JsonReader reader, string account)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new GoTarget("ethapi.OverrideAccount").Cannot(GoJson.KindOf(reader));
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
                case "state": wanted.AllSlots = ReadSlots(ref reader, "state"); break;
                case "stateDiff": wanted.SomeSlots = ReadSlots(ref reader, "stateDiff"); break;
                case "movePrecompileToAddress": throw new FormatException("stateOverrides: precompiles cannot be moved");
                default: reader.Skip(); break;
            }
        }
        return wanted is { AllSlots: not null, SomeSlots: not null }
            ? throw new FormatException($"account {account} has both 'state' and 'stateDiff'") : wanted;
    }

    private static Dictionary<UInt256, UInt256> ReadSlots(ref Utf8JsonReader reader, string field)
    {
        var slots = new Dictionary<UInt256, UInt256>();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new GoTarget($"OverrideAccount.{field}", "map[common.Hash]common.Hash").Cannot(GoJson.KindOf(reader));
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!Hex.TryFromHex(name, out var slot) || slot.Length != Hash256.Size)
                throw new FormatException($"stateOverrides: '{name}' is no slot of 32 bytes");
            reader.Read();
            slots[UInt256.FromBigEndian(slot)] = GoJson.Hash(ref reader, $"OverrideAccount.{field}").ToWord();
        }
        return slots;
    }
}
