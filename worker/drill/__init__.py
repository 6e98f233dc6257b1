"""`deskhand drill`: the failure plan rehearsed with real workers, a store of its own and a simulated model.

Nothing of the live deployment is touched: each scenario has an embedded Valkey and a namespace of its own in a
temporary folder, and its processes see none of the settings that name live services.
"""
