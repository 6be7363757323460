namespace QuorumMesh.State.Trie;

/// <summary>
/// Runs <paramref name="piece"/> for each index from 0 to <paramref name="count"/> - 1, in any order and on as many threads as it
/// likes, and returns when all are done. The host's, since this project knows no threads.
/// </summary>
public delegate void SplitWork(int count, Action<int> piece);
