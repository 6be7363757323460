namespace QuorumMesh.Evm;

/// <summary>
/// <see cref="EvmOptions.Stop"/> said so in the middle of a run. The states are as the run left them: whoever stops one drops them, or
/// takes the transaction back.
/// </summary>
public sealed class ExecutionStoppedException() : OperationCanceledException("execution was stopped before its end");
