using System.Runtime.InteropServices;

namespace QuorumMesh.Benchmarks;

/// <summary>
/// A filled state that outlives its benchmark: the store's folder, and beside it how far each account's nonce is. The list of nonces is
/// away while the state is in use, so that a run that was ended half way is noticed.
/// </summary>
internal sealed class KeptState(string folder)
{
    private readonly string _list = folder + ".nonces";

    public string Folder => folder;

    /// <param name="nonces">Filled in, one for each account.</param>
    /// <param name="next">The account that sends next.</param>
    /// <returns>False when there is no state yet.</returns>
    public bool TryTake(ulong[] nonces, out int next)
    {
        next = 0;
        if (!Directory.Exists(folder)) return false;
        if (!File.Exists(_list)) throw new InvalidOperationException($"{folder} was left in the middle of a run: remove it");
        using (var file = File.OpenRead(_list))
        {
            file.ReadExactly(MemoryMarshal.AsBytes(new Span<int>(ref next)));
            file.ReadExactly(MemoryMarshal.AsBytes(nonces.AsSpan()));
        }
        File.Delete(_list);
        return true;
    }

    public void Leave(ulong[] nonces, int next)
    {
        using var file = File.Create(_list);
        file.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<int>(ref next)));
        file.Write(MemoryMarshal.AsBytes(nonces.AsSpan()));
    }
}
