using QuorumMesh.Enclave;
using QuorumMesh.ServiceDefaults;

return await HostRunner.RunAsync("quorummesh-enclave", () => CommandLine.RunAsync(args, EnclaveHost.RunAsync)).ConfigureAwait(false);
