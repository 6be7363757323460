namespace QuorumMesh.Benchmarks.Network;

/// <summary>
/// Samples of <c>perf script</c> by what they were for: the innermost frame that says so decides. A sample is a line with the thread's
/// name, then a line for each frame, innermost first, then an empty line.
/// </summary>
internal sealed class ProfileShares
{
    private const string Other = "everything else";

    /// <summary>The first that a frame holds is what it is for.</summary>
    private static readonly (string Part, string What)[] Rules =
    [
        ("sys_fdatasync", "fdatasync"),
        ("sys_fsync", "fdatasync"),
        ("sys_futex", "futex"),
        ("sys_sched_yield", "sched_yield"),
        ("librocksdb", "RocksDB"),
        ("libsecp256k1", "recovery of senders"),
        ("libclrjit", "JIT"),
        ("libclrgc", "garbage collector"),
        ("gc_heap", "garbage collector"),
        ("QuorumMesh.Node.Storage.KeyValue", "RocksDB"),
        ("QuorumMesh.Node.Storage.RaftLog", "Raft log and transport"),
        ("QuorumMesh.Node.Network.RaftHttp", "Raft log and transport"),
        ("QuorumMesh.Consensus.Raft", "Raft log and transport"),
        ("QuorumMesh.Node.Network", "gossip"),
        ("QuorumMesh.Node.Rpc", "JSON-RPC"),
        ("System.Text.Json", "JSON-RPC"),
        ("Microsoft.AspNetCore", "JSON-RPC"),
        ("QuorumMesh.Primitives.Keccak", "hashing"),
        ("QuorumMesh.Evm", "blocks: EVM"),
        ("QuorumMesh.State", "blocks: state"),
        ("QuorumMesh.Chain.Pool", "transaction pool"),
        ("QuorumMesh.Chain.Transaction", "transactions: decoding, encoding"),
        ("QuorumMesh.Chain", "blocks: chain"),
        ("QuorumMesh.Node.Runtime", "writer loop"),
        ("System.Threading", "thread pool"),
    ];

    private readonly Dictionary<string, int> _counts = [];
    private string? _what;
    private bool _isInSample;

    public int Samples { get; private set; }

    public void Take(string line)
    {
        if (string.IsNullOrWhiteSpace(line))
        {
            End();
        }
        else if (!_isInSample)
        {
            _isInSample = true;
        }
        else
        {
            _what ??= WhatOf(line);
        }
    }

    /// <summary>Largest first.</summary>
    public IEnumerable<(string What, double Share)> InOrder()
    {
        End();
        return _counts.OrderByDescending(c => c.Value).Select(c => (c.Key, (double)c.Value / Samples));
    }

    private static string? WhatOf(string frame)
    {
        foreach (var (part, what) in Rules)
            if (frame.Contains(part, StringComparison.Ordinal)) return what;
        return null;
    }

    private void End()
    {
        if (!_isInSample) return;
        var what = _what ?? Other;
        _counts[what] = _counts.GetValueOrDefault(what) + 1;
        Samples++;
        (_isInSample, _what) = (false, null);
    }
}
