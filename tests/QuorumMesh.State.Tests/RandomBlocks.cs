using CsCheck;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

/// <summary>Random blocks of state operations, applied to a world state and to the model alike.</summary>
internal static class RandomBlocks
{
    public static readonly Address[] Addresses = [.. Enumerable.Range(0, 12).Select(i => Address.FromWord((UInt256)(0x1000 + i * 7919)))];
    public static readonly UInt256[] Slots = [.. Enumerable.Range(0, 10).Select(i => (UInt256)i)];

    public static readonly Gen<Operation[][]> Blocks = Gen.Select(
        Gen.Int[0, 6], Gen.Int[0, Addresses.Length - 1], Gen.Int[0, Slots.Length - 1], Gen.Int[0, 300],
        (kind, address, slot, value) => new Operation(kind, Addresses[address], Slots[slot], (UInt256)value)).Array[0, 25].Array[1, 14];

    public readonly record struct Operation(int Kind, Address Address, UInt256 Slot, UInt256 Value);

    /// <summary>Each operation is a transaction of its own, as deep as this needs.</summary>
    public static void Apply(Operation[] block, WorldState state, StateModel model)
    {
        foreach (var operation in block)
        {
            state.BeginTransaction();
            Apply(operation, state, model);
            state.FinaliseTransaction(deleteEmpty: false);
        }
    }

    private static void Apply(Operation operation, WorldState state, StateModel model)
    {
        var (kind, address, slot, value) = operation;
        var present = model.Accounts.TryGetValue(address, out var account);
        if (!present) account = (0, UInt256.Zero, []);
        switch (kind)
        {
            case 0:
                state.AddBalance(address, value);
                model.Accounts[address] = account with { Balance = account.Balance + value };
                break;
            case 1:
                state.SetNonce(address, account.Nonce + 1);
                model.Accounts[address] = account with { Nonce = account.Nonce + 1 };
                break;
            case 2:
                byte[] code = value.IsZero ? [] : [0x60, (byte)(ulong)(value % 256u), 0x00];
                state.SetCode(address, code);
                model.Accounts[address] = account with { Code = code };
                break;
            case 3 or 4:
                var stored = kind == 3 ? value : UInt256.Zero;
                state.SetStorage(address, slot, stored);
                model.Accounts[address] = account;
                model.SetSlot(address, slot, stored);
                break;
            case 5:
                state.SelfDestruct(address);
                model.Accounts.Remove(address);
                model.Wipe(address);
                break;
            case 6:
                state.CreateAccount(address);
                state.SetStorage(address, slot, value);
                model.Accounts[address] = (0, account.Balance, []);
                model.Wipe(address);
                model.SetSlot(address, slot, value);
                break;
        }
    }
}
