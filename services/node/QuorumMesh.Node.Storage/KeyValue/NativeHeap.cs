using System.Runtime.InteropServices;

namespace QuorumMesh.Node.Storage.KeyValue;

/// <summary>
/// glibc gives threads heaps ("arenas") of their own, and keeps in them what was large and was freed. What compactions and
/// batches of trie nodes allocate in one is not used again by the others, so that a process with RocksDB grows by more than a
/// hundred megabytes that nothing is in. Without further heaps, and with large pieces straight from the kernel, it stays as it
/// is.
/// </summary>
public static unsafe class NativeHeap
{
    // Numbers of malloc.h.
    private const int MmapThreshold = -3;
    private const int ArenaMax = -8;

    private const int LargePiece = 4 << 20;

    /// <summary>
    /// For the whole process; first of all, before there are threads. Leaves it to the operator when MALLOC_ARENA_MAX or
    /// GLIBC_TUNABLES is set, and another C library alone.
    /// </summary>
    public static void Limit()
    {
        if (!OperatingSystem.IsLinux() || IsSet("MALLOC_ARENA_MAX") || IsSet("GLIBC_TUNABLES")) return;
        if (!NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "mallopt", out var address)) return;
        var mallopt = (delegate* unmanaged<int, int, int>)address;
        _ = mallopt(ArenaMax, 1);
        _ = mallopt(MmapThreshold, LargePiece);
    }

    private static bool IsSet(string variable) => Environment.GetEnvironmentVariable(variable) is not null;
}
