using System.Runtime.ExceptionServices;
using QuorumMesh.State;
using QuorumMesh.State.Store;
using QuorumMesh.State.Trie;

namespace QuorumMesh.Node.Runtime;

/// <summary>Work of the state's tries on all cores of the machine.</summary>
public static class Cores
{
    private static readonly ParallelOptions AllCores = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };

    /// <summary>As <see cref="SplitWork"/>; throws the first failure as it is.</summary>
    internal static void Split(int count, Action<int> piece)
    {
        try
        {
            Parallel.For(0, count, AllCores, piece);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }

    /// <summary>As <see cref="StartWork"/>.</summary>
    public static RunningWork Start(Action work)
    {
        // Not the pool's: the writer loop may come to wait for it, and the pool's threads can all be busy with calls.
        var task = Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return new RunningWork(() => task.IsCompleted, () => task.GetAwaiter().GetResult());
    }
}
