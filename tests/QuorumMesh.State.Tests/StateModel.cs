using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

/// <summary>The naive state: plain dictionaries, copied for every block, root by rebuilding everything.</summary>
internal sealed class StateModel
{
    public Dictionary<Address, (ulong Nonce, UInt256 Balance, byte[] Code)> Accounts { get; private init; } = [];

    public Dictionary<(Address Address, UInt256 Slot), UInt256> Slots { get; private init; } = [];

    public StateModel Copy() => new() { Accounts = new(Accounts), Slots = new(Slots) };

    public void Wipe(Address address)
    {
        foreach (var key in Slots.Keys.Where(k => k.Address == address).ToArray())
            Slots.Remove(key);
    }

    public void SetSlot(Address address, UInt256 slot, UInt256 value)
    {
        if (value.IsZero) Slots.Remove((address, slot));
        else Slots[(address, slot)] = value;
    }

    public Hash256 Root() => StateRoot.Compute(Accounts.Select(e => new GenesisAccount(e.Key, e.Value.Balance)
    {
        Nonce = e.Value.Nonce,
        Code = e.Value.Code,
        Storage = StorageOf(e.Key).ToDictionary(s => s.Slot, s => s.Value),
    }));

    public IEnumerable<(UInt256 Slot, UInt256 Value)> StorageOf(Address address) =>
        Slots.Where(s => s.Key.Address == address).Select(s => (s.Key.Slot, s.Value)).OrderBy(s => s.Slot);

    /// <summary>Every account and slot that ever was, against what a reader says.</summary>
    public void AssertSame(IStateReader reader, IEnumerable<Address> addresses, IEnumerable<UInt256> slots, string where)
    {
        foreach (var address in addresses)
        {
            var read = reader.GetAccount(address);
            Assert.True(Accounts.TryGetValue(address, out var account) == read.HasValue, $"{where}: presence of {address}");
            if (read is { } present)
            {
                Assert.True((account.Nonce, account.Balance) == (present.Nonce, present.Balance), $"{where}: {address}");
                Assert.Equal(account.Code,
                    reader.GetCode(present.CodeHash) ?? throw new InvalidOperationException($"{where}: code of {address}"));
                Assert.Equal(StateRoot.OfStorage(StorageOf(address).Select(s => new KeyValuePair<UInt256, UInt256>(s.Slot, s.Value))),
                    present.StorageRoot);
            }

            foreach (var slot in slots)
                Assert.True(Slots.GetValueOrDefault((address, slot)) == reader.GetStorage(address, slot),
                    $"{where}: {address} slot {slot}");
        }
    }
}
