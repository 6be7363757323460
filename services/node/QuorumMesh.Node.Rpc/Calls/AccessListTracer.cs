using QuorumMesh.Chain;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// Collects what a run touches, for eth_createAccessList. What is warm anyway (sender, called account, precompiles) is left out
/// unless slots of it are used.
/// </summary>
internal sealed class AccessListTracer : IEvmTracer
{
    private readonly HashSet<Address> _excluded;
    private readonly Dictionary<Address, List<UInt256>> _slots = [];
    private readonly List<Address> _order = [];
    private readonly HashSet<(Address, UInt256)> _seen = [];

    /// <param name="excluded">Warm without a list.</param>
    /// <param name="known">A list to begin with.</param>
    public AccessListTracer(IEnumerable<Address> excluded, IReadOnlyList<AccessListEntry> known)
    {
        _excluded = [.. excluded];
        foreach (var entry in known)
        {
            AddAddress(entry.Address);
            foreach (var slot in entry.StorageKeys) AddSlot(entry.Address, slot);
        }
    }

    public int Count => _order.Count + _seen.Count;

    /// <summary>In the order of first use.</summary>
    public IReadOnlyList<AccessListEntry> List => [.. _order.Select(a => new AccessListEntry(a, _slots[a]))];

    public void Step(in EvmStep step)
    {
        switch ((Opcode)step.Opcode)
        {
            case Opcode.SLOAD or Opcode.SSTORE when step.Stack.Length >= 1:
                AddSlot(step.Contract, step.Peek(0));
                break;
            case Opcode.BALANCE or Opcode.EXTCODESIZE or Opcode.EXTCODECOPY or Opcode.EXTCODEHASH or Opcode.SELFDESTRUCT
                when step.Stack.Length >= 1:
                AddAddress(Address.FromWord(step.Peek(0)));
                break;
            case Opcode.CALL or Opcode.CALLCODE or Opcode.DELEGATECALL or Opcode.STATICCALL when step.Stack.Length >= 5:
                AddAddress(Address.FromWord(step.Peek(1)));
                break;
        }
    }

    public void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value)
    {
        if (depth == 0) _excluded.Add(to);
    }

    public void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output)
    {
    }

    private void AddAddress(in Address address)
    {
        if (!_excluded.Contains(address)) Place(address);
    }

    private void AddSlot(in Address address, in UInt256 slot)
    {
        if (_seen.Add((address, slot))) Place(address).Add(slot);
    }

    private List<UInt256> Place(in Address address)
    {
        if (_slots.TryGetValue(address, out var slots)) return slots;
        _order.Add(address);
        return _slots[address] = [];
    }
}
