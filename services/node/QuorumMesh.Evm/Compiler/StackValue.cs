using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Compiler;

/// <summary>
/// One word of the virtual stack: four limbs, least significant first, or not loaded yet from a slot of the frame's stack.
/// </summary>
internal sealed class StackValue
{
    private Limb[]? _limbs;

    private StackValue(int slot, Limb[]? limbs)
    {
        Slot = slot;
        _limbs = limbs;
    }

    /// <summary>Where it can be loaded from; meaningful only until it is loaded.</summary>
    public int Slot { get; }

    public bool IsLoaded => _limbs is not null;

    public ReadOnlySpan<Limb> Limbs => _limbs;

    public static StackValue InSlot(int slot) => new(slot, null);

    public static StackValue Of(Limb l0, Limb l1, Limb l2, Limb l3) => new(0, [l0, l1, l2, l3]);

    public static StackValue Small(Limb low) => Of(low, Limb.Zero, Limb.Zero, Limb.Zero);

    public static StackValue Constant(in UInt256 word) => Of(Limb.Of(word.U0), Limb.Of(word.U1), Limb.Of(word.U2), Limb.Of(word.U3));

    public void Load(Limb[] limbs) => _limbs = limbs;

    /// <summary>The upper three limbs are known to be zero.</summary>
    public bool IsSmall => IsLoaded && _limbs![1].Is(0) && _limbs[2].Is(0) && _limbs[3].Is(0);

    public bool TryConstant(out UInt256 word)
    {
        word = default;
        if (_limbs is not [{ IsConstant: true } a, { IsConstant: true } b, { IsConstant: true } c, { IsConstant: true } d]) return false;
        word = new UInt256(a.Constant, b.Constant, c.Constant, d.Constant);
        return true;
    }
}
