using System.Runtime.ExceptionServices;

namespace QuorumMesh.Node.Runtime;

/// <summary>Work of the state's tries on all cores of the machine.</summary>
internal static class Cores
{
    private static readonly ParallelOptions AllCores = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };

    /// <summary>As <see cref="State.SplitWork"/>; throws the first failure as it is.</summary>
    public static void Split(int count, Action<int> piece)
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
}
