"""A report on a company, as a workflow: `company_report.flow`."""
