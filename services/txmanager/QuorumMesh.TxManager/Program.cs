using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Hosting;

return await HostRunner.RunAsync(
    "quorummesh-txmanager",
    () => CommandLine.RunAsync(
        args,
        (settings, cancel) => ManagerHost.RunAsync(ManagerConfig.Read(settings), cancel),
        (file, overrides) => StoreCheckRun.Run(ManagerConfig.ReadDatabase(file, overrides), Console.Out))).ConfigureAwait(false);
