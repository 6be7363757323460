namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Work that waits for manager and peers. It starts on the scheduler of the node's seams and goes on there after each wait, so awaits in it
/// capture their context: a simulation keeps all of it on its own thread.
/// </summary>
internal static class BackgroundWork
{
    public static Task Start(this TaskScheduler scheduler, Func<Task> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler).Unwrap();

    /// <summary>Waits for the end of what was given up, however it ends.</summary>
    public static async Task EndAsync(this Task work)
    {
        try
        {
            await work;
        }
        catch (Exception)
        {
            // Whoever gave it up knows why already.
        }
    }
}
