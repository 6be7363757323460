using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>One storage slot of one account.</summary>
internal readonly struct SlotKey(in Address address, in UInt256 slot) : IEquatable<SlotKey>
{
    public readonly Address Address = address;
    public readonly UInt256 Slot = slot;

    public bool Equals(SlotKey other) => Slot == other.Slot && Address == other.Address;

    public override bool Equals(object? obj) => obj is SlotKey other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Address, Slot);
}
