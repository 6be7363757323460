using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Fuzz;

/// <summary>Makes a failing case smaller, as long as it fails.</summary>
internal sealed class Minimiser(CaseRunner runner)
{
    private const int MostAttempts = 4_000;
    private static readonly IReadOnlyDictionary<UInt256, UInt256> _noStorage = new Dictionary<UInt256, UInt256>();
    private int _attempts;

    public FuzzCase Shrink(FuzzCase failing)
    {
        FuzzCase before;
        do
        {
            before = failing;
            failing = Simplify(failing);
            failing = ShrinkCodes(failing);
        }
        while (!ReferenceEquals(before, failing) && _attempts < MostAttempts);
        return failing;
    }

    private bool Fails(FuzzCase candidate) => _attempts++ < MostAttempts && runner.Compare(candidate, out _, out _) is not null;

    private FuzzCase Take(FuzzCase current, FuzzCase candidate) => Fails(candidate) ? candidate : current;

    private FuzzCase Simplify(FuzzCase c)
    {
        if (c.Private is not null) c = Take(c, c with { Public = [.. c.Public, .. c.Private], Private = null });
        if (c.IsQuorum && c.Private is null) c = Take(c, c with { IsQuorum = false });
        if (c.HasTightLimits) c = Take(c, c with { HasTightLimits = false });
        if (!c.Value.IsZero) c = Take(c, c with { Value = default });
        if (c.To is not null && c.To != FuzzAddresses.Program) c = Take(c, c with { To = FuzzAddresses.Program });
        if (c.To is not null && c.Input.Length > 0) c = Take(c, c with { Input = [] });
        c = ForEach(c, c.Public.Count, (x, i) => x with { Public = Without(x.Public, i) });
        if (c.Private is { } accounts) c = ForEach(c, accounts.Count, (x, i) => x with { Private = Without(x.Private!, i) });
        c = ForEach(c, c.Public.Count,
            (x, i) => x.Public[i].Storage.Count == 0 ? x : x with { Public = Changed(x.Public, i, x.Public[i].With(storage: _noStorage)) });
        if (c.Private is { } some)
            c = ForEach(c, some.Count,
            (x, i) => x.Private![i].Storage.Count == 0 ? x
            : x with { Private = Changed(x.Private, i, x.Private[i].With(storage: _noStorage)) });
        return c;
    }

    private FuzzCase ForEach(FuzzCase current, int count, Func<FuzzCase, int, FuzzCase> change)
    {
        for (int i = count - 1; i >= 0; i--)
        {
            FuzzCase candidate = change(current, i);
            if (!ReferenceEquals(candidate, current)) current = Take(current, candidate);
        }

        return current;
    }

    private FuzzCase ShrinkCodes(FuzzCase c)
    {
        for (int i = 0; i < c.Public.Count; i++)
        {
            int at = i;
            c = ShrinkCode(c, c.Public[at].Code, (x, code) => x with { Public = Changed(x.Public, at, x.Public[at].With(code)) });
        }

        for (int i = 0; i < (c.Private?.Count ?? 0); i++)
        {
            int at = i;
            c = ShrinkCode(c, c.Private![at].Code, (x, code) => x with { Private = Changed(x.Private!, at, x.Private![at].With(code)) });
        }

        return c.To is null ? ShrinkCode(c, c.Input, (x, code) => x with { Input = code }) : c;
    }

    /// <summary>
    /// Takes out runs of instructions, long ones first; then blots out single ones, which leaves jump targets where they are.
    /// </summary>
    private FuzzCase ShrinkCode(FuzzCase c, byte[] code, Func<FuzzCase, byte[], FuzzCase> put)
    {
        for (int length = Math.Max(1, code.Length / 2); length >= 1; length /= 2)
        {
            for (int start = code.Length - length; start >= 0; start -= length)
            {
                byte[] shorter = [.. code.AsSpan(0, start), .. code.AsSpan(start + length)];
                FuzzCase candidate = put(c, shorter);
                if (!Fails(candidate)) continue;
                c = candidate;
                code = shorter;
                start = Math.Min(start, code.Length);
            }
        }

        for (int at = 0; at < code.Length;)
        {
            int size = 1 + (OpcodeTable.Find(code[at])?.ImmediateSize ?? 0);
            int end = Math.Min(code.Length, at + size);
            byte[] blotted = [.. code];
            Array.Fill(blotted, (byte)Opcode.JUMPDEST, at, end - at);
            FuzzCase candidate = put(c, blotted);
            if (!blotted.AsSpan().SequenceEqual(code) && Fails(candidate))
            {
                c = candidate;
                code = blotted;
            }

            at = end;
        }

        return c;
    }

    private static FuzzAccount[] Without(IReadOnlyList<FuzzAccount> accounts, int index) => [.. accounts.Where((_, i) => i != index)];

    private static FuzzAccount[] Changed(IReadOnlyList<FuzzAccount> accounts, int index, FuzzAccount to) =>
        [.. accounts.Select((a, i) => i == index ? to : a)];
}
