namespace QuorumMesh.Evm.Precompiles;

/// <summary>A contract of the protocol. Stateless.</summary>
internal abstract class Precompile
{
    /// <summary>The price of this input; <see cref="ulong.MaxValue"/> when it is beyond any gas.</summary>
    public abstract ulong Gas(ReadOnlySpan<byte> input);

    /// <summary>Null for input the contract fails on, which costs the caller all the gas it gave.</summary>
    public abstract byte[]? Run(ReadOnlySpan<byte> input);

    /// <summary>As <see cref="Run(ReadOnlySpan{byte})"/>; what may take long asks now and then whether to go on.</summary>
    /// <exception cref="ExecutionStoppedException">The answer was true.</exception>
    public virtual byte[]? Run(ReadOnlySpan<byte> input, Func<bool>? stop) => Run(input);

    /// <summary>Why <see cref="Run(ReadOnlySpan{byte})"/> gives null for this input; None where it does not.</summary>
    public virtual PrecompileFault Explain(ReadOnlySpan<byte> input) => PrecompileFault.None;

    protected static ulong Linear(int length, ulong constant, ulong perWord) => constant + perWord * ((ulong)length + 31 >> 5);

    /// <summary>Copies input from an offset, right-padded with zeros.</summary>
    protected static void CopyPadded(ReadOnlySpan<byte> input, int offset, Span<byte> target)
    {
        target.Clear();
        if (offset < input.Length) input.Slice(offset, Math.Min(target.Length, input.Length - offset)).CopyTo(target);
    }
}
