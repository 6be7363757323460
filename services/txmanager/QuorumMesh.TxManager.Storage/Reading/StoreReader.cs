using System.Data.Common;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Storage.Reading;

/// <summary>Plain look-ups on pooled connections: the node waits for these, and a manager that only answers them never loads EF.</summary>
internal sealed class StoreReader(StoreProvider provider)
{
    public async Task<object?[]?> FirstAsync(string sql, CancellationToken cancel, params object[] values) =>
        (await ListAsync(sql, cancel, values).ConfigureAwait(false)).FirstOrDefault();

    /// <param name="sql">With parameters @p0, @p1 …; it bounds its rows itself.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.StoreUnavailable"/>.</exception>
    public async Task<List<object?[]>> ListAsync(string sql, CancellationToken cancel, params object[] values)
    {
        try
        {
            using var connection = provider.CreateReader();
            await connection.OpenAsync(cancel).ConfigureAwait(false);
            using var command = StoreStatement.Create(connection, sql, values);
            using var reader = await command.ExecuteReaderAsync(cancel).ConfigureAwait(false);
            var found = new List<object?[]>();
            while (await reader.ReadAsync(cancel).ConfigureAwait(false))
                found.Add(StoredRows.Read(reader));

            return found;
        }
        catch (DbException e)
        {
            throw Unavailable(e);
        }
    }

    public PrivacyException Unavailable(Exception e) =>
        new(Failure.StoreUnavailable, $"The payload store ({provider.Description}) is not available: {e.GetBaseException().Message}", e);
}
