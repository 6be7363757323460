using System.Runtime.InteropServices;

namespace QuorumMesh.Node.Storage;

/// <summary>
/// glibc gives threads heaps ("arenas") of their own, and keeps in them what was large and was freed. What compactions and batches of trie nodes allocate in one is not used again by the
/// others, so that a process with RocksDB grows by more than a hundred megabytes that nothing is in. With one heap, and large pieces straight from the kernel, it stays as it is.
/// MALLOC_ARENA_MAX, if set, leaves all this to the operator; another C library has no such call.
/// </summary>
internal static unsafe class NativeHeap
{
    // Numbers of malloc.h.
    private const int MmapThreshold = -3;
    private const int ArenaMax = -8;

    private const int LargePiece = 4 << 20;
    private static readonly bool IsLimited = TryLimit();

    /// <summary>For the whole process. Before the threads begin that are to share a heap.</summary>
    public static bool Limit() => IsLimited;

    private static bool TryLimit()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("MALLOC_ARENA_MAX") is not null) return false;
        if (!NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "mallopt", out var address)) return false;
        var mallopt = (delegate* unmanaged<int, int, int>)address;
        return mallopt(ArenaMax, 1) == 1 && mallopt(MmapThreshold, LargePiece) == 1;
    }
}
