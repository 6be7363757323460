namespace QuorumMesh.Evm;

/// <summary>What <see cref="EvmOptions.Stop"/> says, at one place.</summary>
internal static class Stopping
{
    /// <exception cref="ExecutionStoppedException">It says that the run is to end.</exception>
    public static void Check(Func<bool>? stop)
    {
        if (stop is not null && stop()) throw new ExecutionStoppedException();
    }
}
